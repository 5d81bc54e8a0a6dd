"""Repositories for tests, as contents by file name: the smallest that pass every check."""

import json

import numpy as np
from safetensors.numpy import save

BASE, ADAPTER = "owner/base", "someone/adapter"


def weights(shapes: dict[str, tuple[int, ...]]) -> bytes:
    """A safetensors file with zeros of the given shapes."""
    return save({name: np.zeros(shape, np.float32) for name, shape in shapes.items()})


def checkpoint(rows: int = 6, **config: object) -> dict[str, bytes]:
    """A checkpoint with `rows` rows of embeddings."""
    return {
        "config.json": json.dumps({"model_type": "llama", "vocab_size": rows, **config}).encode(),
        "tokenizer.json": b'{"model": {"type": "BPE"}}',
        "tokenizer_config.json": b'{"eos_token": "<e>"}',
        "model.safetensors": weights({"model.embed_tokens.weight": (rows, 2), "model.norm.weight": (2,)}),
    }


def sharded(**names: str) -> dict[str, bytes]:
    """A checkpoint in two files and their index; `names` overrides entries of the weight map."""
    files = checkpoint()
    del files["model.safetensors"]
    shards = {"embed": "model-1.safetensors", "norm": "model-2.safetensors", **names}
    return files | {
        "model-1.safetensors": weights({"model.embed_tokens.weight": (6, 2)}),
        "model-2.safetensors": weights({"model.norm.weight": (2,)}),
        "model.safetensors.index.json": json.dumps({"weight_map": shards}).encode(),
    }


def adapter(**config: object) -> dict[str, bytes]:
    """A LoRA adapter for `BASE`."""
    settings = {"peft_type": "LORA", "base_model_name_or_path": BASE, "r": 1, "lora_alpha": 1, **config}
    return {
        "adapter_config.json": json.dumps(settings).encode(),
        "adapter_model.safetensors": weights({"base_model.model.q_proj.lora_A.weight": (1, 2)}),
    }
