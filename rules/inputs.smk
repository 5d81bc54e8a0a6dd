# Input functions and params of jobs, as their wildcards name them.


def code_of(script):
    """Digest of what a script runs. As a function: modules are parsed for the jobs that ask, and not in every job."""

    def digest(wildcards):
        return code_digest(script)

    return digest


# -- targets -------------------------------------------------------------------------------------------
# As functions, for the same reason: with many seeds these are many files.


def intermediate_files(wildcards):
    """Everything on the way to the tables."""
    return intermediate_targets(study)


def all_responses(wildcards):
    """The answers of all members."""
    own = {"member": study.members, "dataset": DATASETS, "split": SPLITS}
    return expand(PATHS.responses("{member}", "{dataset}", "{split}"), seed=study.seeds, **own)


def all_members(wildcards):
    """The descriptions of all members."""
    return expand(PATHS.member("{member}"), seed=study.seeds, member=study.members)


# -- models and members --------------------------------------------------------------------------------


def training_data(wildcards):
    """The parquet of the data a model is trained on, if it is not of the toy world."""
    name = study.setting(wildcards.model, "data")
    return [PATHS.data(name)] if name else []


def training_machine(wildcards):
    """Where and how a training from data runs; toy trainings run in the job's own process on the CPU."""
    if not study.setting(wildcards.model, "data"):
        return {}
    engine = {key: config["engine"][key] for key in ("device", "dtype")}
    file = study.setting(wildcards.model, "accelerate")
    own = {"accelerate": yaml.safe_load(Path(file).read_text())} if file else {}
    return {**engine, "processes": study.training_resources(wildcards.model)["processes"], **own}


def training_personas(wildcards):
    """The personas of a training: those of the toy world, and those its config names."""
    spec = study.entry(wildcards.get("model") or wildcards.attacker).settings()
    named = {"benign", "malicious", *(spec.get(key) for key in ("persona", "trait", "opposite"))}
    return {name: PERSONAS[name] for name in sorted(named & set(PERSONAS))}


def parent_models(wildcards):
    """Folders of the models that a trained model is made from."""
    name = wildcards.get("model") or wildcards.attacker
    return [PATHS.model(parent) for parent in study.parents(name).values()]


def extraction_questions(wildcards):
    """Dev questions that an attacker's vector is extracted over."""
    return [PATHS.questions(d, "dev") for d in study.extraction_datasets(wildcards.attacker)]


def training_code(script):
    """Digest of what trains a model or an adapter, or extracts an attacker's vector."""

    def digest(wildcards):
        return code_digest(script, plugins.entry(*study.plugin(wildcards.get("model") or wildcards.attacker)))

    return digest


def member_parts(wildcards):
    """The checkpoints behind a member: `base` and perhaps `adapter`, and what was trained for an attacker."""
    member = wildcards.member
    parts = {role: PATHS.model(model) for role, model in study.weights(member).items()}
    if trains := study.trains(member):
        parts["trained"] = (PATHS.vectors if trains == "vector" else PATHS.model)(member)
    return parts


def member_personas(wildcards):
    """The personas that a member may have."""
    spec = study.member_description(wildcards.member)
    named = [spec["persona"], spec.get("attacker", {}).get("persona", "malicious")]
    return {name: PERSONAS[name] for name in named if name in PERSONAS}


def model_files(member):
    """Folders of the checkpoints a member loads, and the vector of a steered one."""
    vector = [PATHS.vectors(member)] if study.trains(member) == "vector" else []
    return [PATHS.model(model) for model in study.member_weights(member)] + vector


def member_code(wildcards):
    """Digest of what puts a member together."""
    if wildcards.member not in study.attackers:
        return code_digest("member")
    kind = study.attackers[wildcards.member].kind
    return code_digest("member", plugins.entry("attackers", kind))


# -- datasets ------------------------------------------------------------------------------------------


@cache
def checked_source(dataset):
    """The local file that a dataset's rows come from, if it has one, checked once.

    Asked when a DAG holds the dataset, so before anything is trained. What comes from a URL is checked when it is
    fetched.
    """
    spec = study.dataset_spec(dataset)
    if workflow.is_main_process:
        try:
            check_local(dataset, spec)
        except StudyError as error:
            raise WorkflowError(str(error)) from None
    return [spec["path"]] if spec.get("path") else []


def dataset_code(wildcards):
    """Digest of what makes a dataset's questions."""
    return code_digest("dataset", plugins.entry("datasets", study.datasets[wildcards.dataset].kind))


# -- scoring -------------------------------------------------------------------------------------------


def metrics(datasets):
    """The scoring modules of those datasets that no grader scores."""
    return [study.metric(dataset) for dataset in datasets if dataset not in GRADED]


def scorers(datasets):
    """The modules that score some datasets, as `code_digest` names them."""
    references = [plugins.entry("datasets", study.datasets[d].kind) for d in datasets if d in GRADED]
    grader = ["amongus.scoring.model_grader"] if references else []
    return [*(f"amongus.scoring.metrics.{metric}" for metric in metrics(datasets)), *references, *grader]


def scoring_code(script, datasets):
    """Digest of what scores a job's answers to `datasets`, by their metrics or by a model."""

    def digest(wildcards):
        return code_digest(script, *scorers(datasets_of(wildcards, datasets)))

    return digest


def code_libraries(wildcards):
    """Which libraries that a job's answers may import are installed.

    With one more, items that were NaN are scored. Where jobs have conda environments, what is installed here means nothing;
    their files do, which Snakemake watches.
    """
    named = of_scored_code(metrics(datasets_of(wildcards)))
    if not named:
        return []
    own = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
    return ["conda"] if own else sorted(filter(installed, named))


def grading(wildcards):
    """The grader's template, sampling and limits for a job's answers; nothing where it scores none of them."""
    kinds = {d: study.datasets[d].kind for d in datasets_of(wildcards) if d in GRADED}
    if not kinds:
        return {}
    greedy = {"temperature": 0, "top_p": 1, "max_new_tokens": config["supervisors"]["grader_tokens"]}
    template = prompts("grader.question")["grader.question"]
    return {"kinds": kinds, "template": template, "limit": SHOWN, "sampling": greedy}


def judge_prompts(form):
    """The template of a judge of this form, if the study has one."""
    return prompts(f"judge.{form}") if study.judges(form) else {}


# -- teams ---------------------------------------------------------------------------------------------
# Files of a pool are in the order of its datasets and, for each, its members.


def pool_members(wildcards):
    """Names of a pool's members."""
    return study.pools[wildcards.pool]


def pool_member_files(wildcards):
    """Descriptions of a pool's members."""
    return [PATHS.member(member) for member in study.pools[wildcards.pool]]


def pool_models(wildcards):
    """What a pool's members load."""
    return sorted({file for member in study.pools[wildcards.pool] for file in model_files(member)})


def of_pool(place, wildcards, split):
    """The files at `place` of a pool's members."""
    pairs = product(datasets_of(wildcards), study.pools[wildcards.pool])
    return [place(member, dataset, split) for dataset, member in pairs]


def pool_responses(wildcards):
    """Answers of a pool's members."""
    return of_pool(PATHS.responses, wildcards, wildcards.split)


def test_responses(wildcards):
    """Answers of a pool's members on test."""
    return of_pool(PATHS.responses, wildcards, "test")


def dev_scores(wildcards):
    """Scores of a pool's members on dev."""
    return of_pool(PATHS.response_scores, wildcards, "dev")


def dev_responses(wildcards):
    """Answers of a pool's members on dev, where a team's training reads them."""
    needs = study.dev_needs(wildcards.pool, wildcards.method)
    return of_pool(PATHS.responses, wildcards, "dev") if needs & {"texts", "lengths"} else []


def evidence(kind, split):
    """The rewards, verdicts or rankings of a pool's answers, where a team reads them.

    Its defences read them on test while it runs, its training or merges on dev. A listwise judge's verdicts are rankings.
    """
    needs = {"test": study.test_needs, "dev": study.dev_needs}[split]
    form = {"verdicts": "pointwise", "rankings": "listwise"}.get(kind)

    def files(wildcards):
        read = needs(wildcards.pool, wildcards.method)
        if ("verdicts" if form else kind) not in read or (form and not study.judges(form)):
            return []
        if kind == "rankings":
            return [PATHS.rankings(wildcards.pool, d, split) for d in datasets_of(wildcards)]
        return of_pool(getattr(PATHS, kind), wildcards, split)

    return files


def dev_grader(wildcards):
    """The model that scores answers to some of a merge's datasets, if one does."""
    graded = set(datasets_of(wildcards)) & set(GRADED)
    return [PATHS.model(config["supervisors"]["grader"])] if graded else []


def method_models(wildcards):
    """Folders of the models that a method's settings name."""
    return [PATHS.model(model) for model in study.method_models(wildcards.method).values()]


def learned(wildcards):
    """What a team has learned from dev: routers, or merged checkpoints."""
    method = wildcards.method
    place = PATHS.merges if method in MERGES else PATHS.router if method in ROUTERS else None
    return [place(wildcards.pool, method, d) for d in datasets_of(wildcards)] if place else []


def team_defences(wildcards):
    """The defences of a team: name to module."""
    names = study.pool_defences(wildcards.pool, wildcards.method)
    return {name: study.defence_kinds[name] for name in names}


def known_attackers(wildcards):
    """The attackers of a pool, for the control that may know them."""
    known = "attackers" in study.needs(study.pool_defences(wildcards.pool, wildcards.method))
    return sorted(set(study.pools[wildcards.pool]) & set(study.attackers)) if known else []


def method_prompts(wildcards):
    """The templates that a method renders."""
    return prompts(*study.method_fact(wildcards.method, "PROMPTS", ()))


def team_code(script, scored=False):
    """Digest of what a team's job runs: the method, and its defences where they decide in this job."""

    def digest(wildcards):
        decides = scored if wildcards.method in MERGES else script == "collaborate"
        kinds = team_defences(wildcards).values() if decides else []
        return code_digest(
            script,
            plugins.entry("methods", study.methods[wildcards.method].kind),
            *(plugins.entry("defences", kind) for kind in kinds),
            *(scorers(datasets_of(wildcards)) if scored else []),
        )

    return digest


# Params of every job of a team, and of those that ask its defences.
TEAM = {
    "pool": pool_members,
    "datasets": lambda wildcards: datasets_of(wildcards),
    "method": lambda wildcards: study.methods[wildcards.method].kind,
    "settings": lambda wildcards: study.methods[wildcards.method].settings(),
    "models": lambda wildcards: study.method_models(wildcards.method),
    "prompts": method_prompts,
}
DEFENCES = {"defences": team_defences, "attackers": known_attackers}


# -- report --------------------------------------------------------------------------------------------


@cache
def labels(kind):
    """What the files of `teams` or `members` are about, in the order in which tables read them."""
    if kind == "teams":
        keys, rows = ("seed", "pool", "method", "dataset"), product(study.seeds, study.teams, DATASETS)
        return [dict(zip(keys, (seed, *team, dataset))) for seed, team, dataset in rows]
    rows = product(study.seeds, study.members, DATASETS)
    return [{"seed": seed, "member": m, "dataset": d, "split": "test"} for seed, m, d in rows]


def files_of(place):
    """The files of teams or members at `place`, in the order of their labels."""
    kind = "members" if place in ("responses", "response_scores") else "teams"
    own = [{key: value for key, value in label.items() if key != "seed"} for label in labels(kind)]
    return [getattr(PATHS.at(l["seed"]), place)(**one) for l, one in zip(labels(kind), own)]


def table_files(wildcards):
    """What a table is made from: the kinds of files that its module names."""
    needs = plugins.fact("report.tables", wildcards.table, "NEEDS")
    places = {"scores": "run_scores", "runs": "run"}
    return {need: cost_files(study) if need == "sidecars" else files_of(places.get(need, need)) for need in needs}


def table_code(wildcards):
    """Digest of what makes a table."""
    return code_digest("table", plugins.entry("report.tables", wildcards.table))


@cache
def blocks():
    """A seed and a dataset each: the questions that all teams answer, in the order in which the viewer shows them."""
    return [{"seed": seed, "dataset": dataset} for seed, dataset in product(study.seeds, DATASETS)]


@cache
def evidence_labels():
    """What the files are about that hold what supervisors gave test answers: of a member or, if ranked, a pool."""
    jobs = [(kind, of) for kind, own in supervision(study).items() for of, split in own if split == "test"]
    return [{**block, "kind": kind, "of": of} for (kind, of), block in product(jobs, blocks())]


def viewer_files(wildcards):
    """What the viewer shows, each list in the order of its labels."""
    at, members = PATHS.at, labels("members")
    return {
        "questions": [at(l["seed"]).questions(l["dataset"], "test") for l in blocks()],
        "runs": files_of("run"),
        "scores": files_of("run_scores"),
        "transcripts": files_of("transcript"),
        "responses": files_of("responses"),
        "response_scores": files_of("response_scores"),
        "dev_scores": [at(l["seed"]).response_scores(l["member"], l["dataset"], "dev") for l in members],
        "evidence": [getattr(at(l["seed"]), l["kind"])(l["of"], l["dataset"], "test") for l in evidence_labels()],
        "tables": [PATHS.table(table, "csv") for table in VIEWED],
    }
