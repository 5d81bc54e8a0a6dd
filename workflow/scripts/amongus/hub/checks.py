"""What of a repository is fetched, and what is refused: known before its weights are downloaded.

Pickles and code are not on the list of what is fetched, so they are no reason to refuse what is beside them.
"""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from amongus.hub.repository import Repository
from amongus.members.lora_config import adapter_settings, factor_keys
from amongus.members.member import ADAPTER_WEIGHTS, INDEX, WEIGHTS

ADAPTER_CONFIG = "adapter_config.json"
MODULES = "modules.json"

_CONFIGS = ("*.json", "*.jinja", "merges.txt", "vocab.txt", "tokenizer.model", "spiece.model")
_VOCABULARY = {"tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model", "spiece.model"}
_READ_CONFIGS = {"config.json", "generation_config.json", "tokenizer_config.json"}
# A checkpoint with an adapter's config beside it would be loaded as an adapter of whatever that names.
_NOT_OF_A_CHECKPOINT = {ADAPTER_CONFIG, "trainer_state.json"}


def adapter_files(repository: Repository, base: str | None) -> list[str]:
    """The files of an adapter, its config downloaded and checked, of its weights the header only.

    `base` is the repository that it must name as its base, None for any.

    Raises:
        StudyError: it is of another kind, needs remote code, or belongs to another base.
    """
    if ADAPTER_WEIGHTS not in repository.files and {WEIGHTS, INDEX} & repository.files.keys():
        raise repository.refusal("holds a checkpoint and no adapter", "write kind: hub")
    _need(repository, ADAPTER_WEIGHTS)
    _need(repository, ADAPTER_CONFIG)
    repository.get([ADAPTER_CONFIG])
    config = repository.read_json(ADAPTER_CONFIG)
    adapter_settings(config, f"{repository.name}: {ADAPTER_CONFIG}")
    named = str(config.get("base_model_name_or_path"))
    if base is not None and named.lower() != base.lower():
        raise repository.refusal(
            f"{ADAPTER_CONFIG} names the base {named!r}, the study {base!r}",
            "give the base it was trained on, or, if that is another name of the same, trained_on",
        )
    factor_keys(repository.check_header(ADAPTER_WEIGHTS), f"{repository.name}: {ADAPTER_WEIGHTS}")
    return [ADAPTER_CONFIG, ADAPTER_WEIGHTS]


def checkpoint_files(repository: Repository) -> list[str]:
    """The files of a checkpoint, its configs and tokenizer downloaded and checked, of its weights the headers only.

    Raises:
        StudyError: it needs remote code, has no safetensors, or no tokenizer.
    """
    files = repository.files
    if not {WEIGHTS, INDEX} & files.keys():
        if ADAPTER_WEIGHTS in files:
            raise repository.refusal("holds an adapter and no checkpoint", "write kind: hub_adapter")
        _need(repository, WEIGHTS)
    _need(repository, "config.json")
    left_out = _NOT_OF_A_CHECKPOINT | ({INDEX} if WEIGHTS in files else set())
    names = sorted(name for name in files.keys() - left_out if "/" not in name)
    configs = [name for name in names if any(fnmatchcase(name, kind) for kind in _CONFIGS)]
    if not _VOCABULARY & set(configs):
        raise repository.refusal("no tokenizer (tokenizer.json, or a vocabulary)", "give a repository with one")
    repository.get(configs)
    modules = _modules(repository) if MODULES in configs else []
    module_configs = [name for path in modules if (name := f"{path}/config.json") in files]
    module_weights = [name for path in modules if (name := f"{path}/{WEIGHTS}") in files]
    repository.get(module_configs)
    _check_configs(repository, [*configs, *module_configs])
    weights = [*([WEIGHTS] if WEIGHTS in files else _shards(repository)), *module_weights]
    for name in weights:
        repository.check_header(name)
    return [*configs, *module_configs, *weights]


def _need(repository: Repository, name: str) -> None:
    if name in repository.files:
        return
    if name.endswith(".safetensors"):
        raise repository.refusal(
            f"no safetensors (no {name}); other formats can run code when opened and are refused",
            "give a repository or revision with safetensors",
        )
    raise repository.refusal(f"no {name}")


def _modules(repository: Repository) -> list[str]:
    """The folders of the modules of a sentence embedder, as its `modules.json` lists them."""
    try:
        listed = [(str(entry["type"]), str(entry["path"])) for entry in repository.read_json(MODULES)]
    except (TypeError, KeyError):
        raise repository.refusal(f"{MODULES} is not a list of modules") from None
    for kind, path in listed:
        if not re.fullmatch(r"sentence_transformers(\.\w+)+", kind):
            raise repository.refusal(f"{MODULES} asks for the class {kind}, which is remote code")
        if {".", ".."} & set(path.split("/")) or path.startswith("/"):
            raise repository.refusal(f"a path that leaves its folder: {path!r}")
    return [path for _, path in listed if path]


def _check_configs(repository: Repository, names: Iterable[str]) -> None:
    """Refuse JSON that cannot be read, and configs that name code."""
    for name in names:
        content = repository.read_json(name) if name.endswith(".json") else {}
        if not name.endswith("config.json"):
            continue
        if not isinstance(content, dict):
            # Others, as an embedder's list of its training data, are not read.
            if name.rpartition("/")[2] in _READ_CONFIGS:
                raise repository.refusal(f"{name} is not a JSON object")
            continue
        for key in ("auto_map", "custom_code"):
            if content.get(key):
                raise repository.refusal(f"{name} has '{key}', so it needs remote code")


def _shards(repository: Repository) -> list[str]:
    """The files that the index names."""
    index = repository.read_json(INDEX)
    shards = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(shards, dict) or not shards or not all(isinstance(one, str) for one in shards.values()):
        raise repository.refusal(f"{INDEX} has no weight_map")
    for shard in sorted(set(shards.values())):
        if "/" in shard or not shard.endswith(".safetensors"):
            raise repository.refusal(f"{INDEX} points at {shard!r}, which is not a safetensors file beside it")
        if shard not in repository.files:
            raise repository.refusal(f"{INDEX} names {shard}, which is missing")
    return sorted(set(shards.values()))
