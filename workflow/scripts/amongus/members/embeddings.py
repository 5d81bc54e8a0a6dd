"""Sentence embeddings of texts, by sentence-transformers, from a local folder."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amongus.core.errors import StudyError
from amongus.core.json_files import read_json
from amongus.members.member import check_safetensors

if TYPE_CHECKING:  # Importing them costs seconds, which only who embeds should spend.
    from torch import Tensor

_HUB = {"local_files_only": True, "trust_remote_code": False}
_MODULES = "modules.json"


def embed(folder: str | Path, texts: Sequence[str]) -> "Tensor":
    """The normalised embeddings of `texts`, [n, d], float32, on the CPU.

    Each text is embedded alone, so that its embedding does not depend on what else is asked, and once per process.
    A folder without `modules.json` (a plain language model) is used with the mean over its last hidden states.

    Raises:
        StudyError: the folder is not a model that can be used so, or holds no safetensors.
    """
    import torch

    model, known = _load(str(folder))
    new = [text for text in dict.fromkeys(texts) if text not in known]
    if new:
        vectors = model.encode(
            [text or " " for text in new],  # No tokens at all break some models.
            batch_size=1,
            normalize_embeddings=True,
            convert_to_tensor=True,
            show_progress_bar=False,
        )
        known.update(zip(new, vectors.float(), strict=True))
    return torch.stack([known[text] for text in texts])


@lru_cache(maxsize=1)
def _load(folder: str) -> tuple[Any, dict[str, "Tensor"]]:
    """The model of a folder, and the embeddings it has made so far."""
    check_safetensors(folder)
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        if (Path(folder) / _MODULES).exists():
            _check_modules(Path(folder))
            model = SentenceTransformer(folder, device="cpu", model_kwargs=_weights(), **_HUB)
        else:
            model = SentenceTransformer(modules=_mean_of_states(folder), device="cpu")
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise StudyError(
            f"{folder}: not an embedding model ({error}); give a folder of sentence-transformers or a language model"
        ) from None
    tokenizer = model.tokenizer
    if getattr(tokenizer, "pad_token", "") is None:
        # Nothing is padded, one text at a time, but there must be something to pad with.
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(0)
    return model.float().eval(), {}


def _weights() -> dict[str, Any]:
    import torch

    return {"use_safetensors": True, "dtype": torch.float32}


def _check_modules(folder: Path) -> None:
    """Modules behind the language model may have weights of their own; those in pickles would be opened."""
    for module in read_json(folder / _MODULES, sealed=False):
        own = folder / module["path"]
        if (own / "pytorch_model.bin").exists():
            check_safetensors(own)


def _mean_of_states(folder: str) -> list[Any]:
    """What sentence-transformers would guess for a plain language model, with a warning."""
    from sentence_transformers.base.modules.transformer import Transformer
    from sentence_transformers.sentence_transformer.modules.pooling import Pooling

    # The text itself: where a tokenizer has a chat template, the library would wrap it in a user's turn.
    states = Transformer(
        folder,
        model_kwargs={**_HUB, **_weights()},
        config_kwargs={**_HUB},
        processor_kwargs={**_HUB},
        modality_config={"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
        module_output_name="token_embeddings",
    )
    return [states, Pooling(states.get_embedding_dimension())]
