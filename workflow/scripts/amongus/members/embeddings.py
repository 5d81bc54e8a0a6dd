"""Sentence embeddings of texts, by sentence-transformers, from a local folder."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amongus.core.errors import StudyError
from amongus.core.json_files import read_json
from amongus.members.chat_template import check_vocabulary
from amongus.members.member import check_safetensors

if TYPE_CHECKING:  # Importing it takes seconds, which only jobs that embed should spend.
    from torch import Tensor

_HUB = {"local_files_only": True, "trust_remote_code": False}
_MODULES = "modules.json"


def embed(folder: str | Path, texts: Sequence[str]) -> "Tensor":
    """The normalised embeddings of `texts`, [n, d], float32, on the CPU.

    Each text is embedded alone, so that its embedding does not depend on the others, and once per process.
    A folder without `modules.json` (a plain language model) is used with the mean over its last hidden states.

    Raises:
        StudyError: the folder is not an embedding or language model, or has no safetensors.
    """
    import torch

    model, cached = _load(str(folder))
    new = [text for text in dict.fromkeys(texts) if text not in cached]
    if new:
        vectors = model.encode(
            [text or " " for text in new],  # Some models fail on no tokens at all.
            batch_size=1,
            normalize_embeddings=True,
            convert_to_tensor=True,
            show_progress_bar=False,
        )
        cached.update(zip(new, vectors.float(), strict=True))
    return torch.stack([cached[text] for text in texts])


@lru_cache(maxsize=1)
def _load(folder: str) -> tuple[Any, dict[str, "Tensor"]]:
    """The model of a folder, and its embeddings so far."""
    check_safetensors(folder)
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    weights = {"use_safetensors": True, "dtype": torch.float32}
    try:
        if (Path(folder) / _MODULES).exists():
            _check_modules(Path(folder))
            model = SentenceTransformer(folder, device="cpu", model_kwargs=weights, **_HUB)
        else:
            model = SentenceTransformer(modules=_mean_of_states(folder, {**_HUB, **weights}), device="cpu")
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise StudyError(
            f"{folder}: not an embedding model ({error}); give a folder of sentence-transformers or a language model"
        ) from None
    tokenizer = model.tokenizer
    if hasattr(model[0], "auto_model"):
        check_vocabulary(folder, tokenizer, model[0].auto_model, split=False)
    if getattr(tokenizer, "pad_token", "") is None:
        # A single text is never padded, but the library requires a padding token.
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(0)
    return model.float().eval(), {}


def _check_modules(folder: Path) -> None:
    """Refuse pickles as weights of modules behind the language model, which the library would open."""
    for module in read_json(folder / _MODULES, ours=False):
        own = folder / module["path"]
        if (own / "pytorch_model.bin").exists():
            check_safetensors(own)


def _mean_of_states(folder: str, model_options: dict[str, Any]) -> list[Any]:
    """The modules that sentence-transformers would choose, with a warning, for a plain language model."""
    from sentence_transformers.base.modules.transformer import Transformer
    from sentence_transformers.sentence_transformer.modules.pooling import Pooling

    # The plain text: with a chat template, the library would wrap it in a user's turn.
    states = Transformer(
        folder,
        model_kwargs=model_options,
        config_kwargs={**_HUB},
        processor_kwargs={**_HUB},
        modality_config={"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
        module_output_name="token_embeddings",
    )
    return [states, Pooling(states.get_embedding_dimension())]
