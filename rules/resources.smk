# What jobs ask for: memory and time that grow with every attempt, GPUs, threads.


def by_attempt(amount):
    """A resource that grows with every attempt: what ran out of memory or time gets more of both."""

    def grown(wildcards, attempt):
        return amount * attempt

    return grown


def configured(**resources):
    """Those resources that the config sets; the others are left to the profile and to the cluster's defaults."""
    return {name: value for name, value in resources.items() if value not in (None, 0)}


def gpu_model(gpus):
    """The kind of GPU that a job asks for, if it asks for any."""
    return RESOURCES.get("gpu_model") if gpus else None


# What a job asks for that runs a model, and one that does not.
RESOURCES = config["resources"]
GPU = study.config.gpus_per_job
PLAIN_JOB = configured(slurm_account=RESOURCES.get("account"))
MODEL_JOB = {
    "gpu": GPU,
    "mem_mb": by_attempt(RESOURCES["mem_mb"]),
    "runtime": by_attempt(RESOURCES["runtime"]),
    **configured(gpu_model=gpu_model(GPU), slurm_partition=RESOURCES.get("partition")),
    **PLAIN_JOB,
}


def training(name, grows=False):
    """What a training asks for, its own or that of all model jobs."""

    def amount(wildcards, attempt):
        return study.training_resources(wildcards.model)[name] * (attempt if grows else 1)

    return amount


TRAINING_JOB = {
    **MODEL_JOB,
    "gpu": training("gpu"),
    "gpu_model": lambda wildcards: gpu_model(study.training_resources(wildcards.model)["gpu"]),
    "mem_mb": training("mem_mb", grows=True),
    "runtime": training("runtime", grows=True),
}


def scoring_limits(wildcards):
    """What a run of an answer may use, where one of the job's datasets is scored by running answers; else nothing."""
    metrics = map(study.metric, datasets_of(wildcards, SCORED))
    executed = any(plugins.fact("scoring.metrics", metric, "EXECUTES", False) for metric in metrics)
    return config["scoring"] if executed else {}


def scoring_threads(wildcards):
    """Answers are run side by side; other scoring is done by one thread."""
    return THREADS if scoring_limits(wildcards) else 1


def scoring_memory(wildcards, attempt):
    """Where answers are run, memory for as many at a time as there are threads."""
    limits = scoring_limits(wildcards)
    return (1000 + THREADS * limits["memory_mb"] if limits else 2000) * attempt


SCORING_JOB = {"mem_mb": scoring_memory, **PLAIN_JOB}
