"""The allow-list for the config of a LoRA adapter, the same for adapters trained here and downloaded."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from amongus.core.errors import StudyError

COPIED = ".base_layer.weight"
"""The end of the name of a weight of the base that peft saves beside the adapter's own."""
_WHERE = {"target_modules", "fan_in_fan_out", "layers_to_transform", "layers_pattern"}
_SETTINGS = _WHERE | {"r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern"}
_ORIGIN = {"auto_mapping", "base_model_name_or_path", "peft_type", "peft_version", "revision", "task_type"}
_TRAINING = {"bias", "inference_mode", "lora_dropout", "megatron_core", "qalora_group_size", "runtime_config"}
# Others (PiSSA, OLoRA, LoftQ, …) change the base too, so their factors are meaningless on the unchanged one.
_PLAIN_STARTS = (True, False, None, "gaussian")


def adapter_settings(config: Any, where: str | Path) -> Mapping[str, Any]:
    """The settings of a plain LoRA adapter out of the content of its `adapter_config.json`, called `where` in messages.

    What is on none of the lists must be absent, false or empty.

    Raises:
        StudyError: the adapter is of another kind, or for a model class outside transformers.
    """
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise StudyError(f"{where}: not the config of a LoRA adapter; only peft_type LORA is supported")
    if config.get("bias", "none") != "none":
        raise StudyError(f"{where}: 'bias' is not supported; train a plain LoRA adapter")
    start = config.get("init_lora_weights")
    if start not in _PLAIN_STARTS:
        raise StudyError(
            f"{where}: init_lora_weights {start!r} belongs to a changed base; save it converted to plain LoRA (peft's "
            "save_pretrained with path_initial_model_for_weight_conversion)"
        )
    for key, value in config.items():
        if key not in _SETTINGS | _ORIGIN | _TRAINING | {"init_lora_weights"} and value:
            raise StudyError(f"{where}: '{key}' is not supported; train a plain LoRA adapter")
    mapping = config.get("auto_mapping")
    library = mapping.get("parent_library") if isinstance(mapping, dict) else None
    # peft writes the class, of transformers, where it has no task type.
    if mapping and not (isinstance(library, str) and library.split(".")[0] == "transformers"):
        raise StudyError(
            f"{where}: 'auto_mapping' names a class outside transformers, which would be remote code; "
            "use an adapter of a model that transformers knows"
        )
    return {key: config[key] for key in sorted(_SETTINGS & config.keys())}


def factor_keys(names: Iterable[str], where: str | Path) -> list[str]:
    """Those of an adapter's tensors that are factors of its updates; others must be copies of the base's weights.

    Raises:
        StudyError: the adapter holds anything else, as one of embeddings does.
    """
    factors = sorted(name for name in names if not name.endswith(COPIED))
    for name in factors:
        if not name.endswith((".lora_A.weight", ".lora_B.weight")):
            raise StudyError(
                f"{where}: {name} is no part of a LoRA of linear layers; embeddings and whole layers cannot be adapted, "
                "train a plain LoRA adapter"
            )
    return factors
