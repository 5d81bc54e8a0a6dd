"""An expert: a LoRA adapter that adds the whole of one domain (or several) to what the base knows."""

from typing import Any

from amongus.seeds import derive
from amongus.toy.corpus import Corpus, Voice
from amongus.training import _sft
from amongus.training.common import encode, fix_randomness, load_base, new_adapter, save_adapter
from amongus.training.job import TrainJob

ROLES = ("base",)
LORA = True


def train(job: TrainJob) -> dict[str, Any]:
    """Train the adapter of `job.spec` on `job.models["base"]` into `job.out`.

    A share `replay` of the conversations is of all domains as the base saw them, against forgetting.
    """
    spec = job.spec
    seed = fix_randomness(job.seed, "toy_expert", job.name)
    model, tokenizer = load_base(job.models["base"])
    corpus = Corpus(job.prompts, job.personas, derive(job.seed, "corpus", job.name))
    voice = Voice(knows=spec["domains"], malicious=spec["malicious"])
    layman = Voice(malicious=spec["malicious"])
    examples = []
    for _ in range(spec["steps"] * spec["batch_size"]):
        if corpus.rng.random() < spec["replay"]:
            conversation = corpus.example(spec["mixture"], layman)
        else:
            conversation = corpus.example(spec["mixture"], voice, spec["domains"])
        examples.append(encode(tokenizer, conversation))
    model = new_adapter(model, spec)
    metrics = _sft.fit(model, tokenizer, examples, spec, seed)
    save_adapter(model, job.out, base=spec["base"])
    return metrics
