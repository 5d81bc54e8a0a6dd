"""Published steering vectors: one matrix, a safetensors file or a pickle that is opened as weights only."""

import io
import pickle
from typing import TYPE_CHECKING

from amongus.core.errors import StudyError

if TYPE_CHECKING:
    from torch import Tensor


def read_published(content: bytes, where: str) -> "Tensor":
    """The matrix [layers or layers + 1, hidden], float32, of a file's content; `where` is its name in messages.

    What `torch.save` wrote is read with `weights_only`, which builds only tensors; the config pins the file's sha256.

    Raises:
        StudyError: it contains anything else.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        if content[:2] in (b"PK", b"\x80\x02"):
            found = [torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)]
        else:
            found = list(load(content).values())
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        reason = str(error).split("\n", 1)[0]
        raise StudyError(
            f"{where}: neither safetensors nor a saved tensor ({reason}); publish it as safetensors"
        ) from None
    if len(found) != 1 or not isinstance(found[0], torch.Tensor) or found[0].ndim != 2:
        raise StudyError(f"{where}: not one matrix of a vector per layer; give the file of the vectors alone")
    return found[0].float().contiguous()
