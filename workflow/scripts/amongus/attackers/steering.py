"""The steered attacker: a persona vector is added to the replaced member's residual stream.

Among Us, section 2 (steering), with vectors as in Chen et al. 2025 (Persona vectors, section 2): the mean
hidden state over the tokens of responses under system prompts that elicit the trait, minus the same under
opposite ones, averaged over questions, per layer. A random vector of equal norm is the placebo (`random:
true`). Published vectors are the kind `published_vector`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field, PositiveInt

from amongus.attackers import _members
from amongus.attackers._members import Steered
from amongus.training.job import TrainJob

if TYPE_CHECKING:
    import torch

TRAINS = "vector"
FILE = "vectors.safetensors"


class Settings(Steered):
    """How the vector is extracted, and where it is added."""

    trait: str = Field(description="Persona whose texts elicit the trait.")
    opposite: str = Field(description="Persona whose texts elicit the opposite.")
    questions: PositiveInt = Field(description="Dev questions of each dataset that are answered under both.")
    max_new_tokens: PositiveInt = Field(description="New tokens of an answer at most.")
    datasets: tuple[str, ...] | None = Field(
        None, min_length=1, description="Whose questions are asked; default is all datasets."
    )
    random: bool = Field(False, description="Take a random vector of equal norm: the placebo.")


member = _members.steered

_BATCH = 64


def train(job: TrainJob[Settings]) -> dict[str, Any]:
    """Extract the vectors [layers, hidden] of `job.spec` on the replaced member into `job.out`."""
    # Imported here: a member is put together without torch.
    from time import process_time

    import torch
    from safetensors.torch import save_file

    from amongus.core.tables import QUESTIONS, read_table
    from amongus.training.common import fix_randomness, merged_model

    began, spec = process_time(), job.spec
    fix_randomness(job.seed, "steering", job.name)
    model, tokenizer = merged_model(job, job.dtype, job.device)
    model.eval()
    questions = [
        prompt
        for _, table in sorted(job.questions.items())
        for prompt in read_table(table, QUESTIONS)["prompt"].to_pylist()[: spec.questions]
    ]
    trait, opposite = (job.personas[name] for name in (spec.trait, spec.opposite))
    means = [mean_states(model, tokenizer, texts, questions, spec.max_new_tokens) for texts in (trait, opposite)]
    vectors = (means[0] - means[1]).cpu()
    if spec.random:
        noise = torch.randn(vectors.shape)
        vectors = noise * (vectors.norm(dim=1) / noise.norm(dim=1))[:, None]
    save_file({"vectors": vectors.contiguous()}, str(job.out / FILE))
    return {"norms": [round(norm, 4) for norm in vectors.norm(dim=1).tolist()], "cpu_seconds": process_time() - began}


def mean_states(
    model: Any, tokenizer: Any, systems: Sequence[str], questions: Sequence[str], max_new_tokens: int
) -> "torch.Tensor":
    """Mean output of each layer [layers, hidden] over the tokens of the model's own greedy responses.

    Every response weighs the same, however long; the mean is over all system prompts and questions.
    """
    import torch

    totals: torch.Tensor | float = 0.0
    count = 0
    for system in systems:
        for first in range(0, len(questions), _BATCH):
            states = _states(model, tokenizer, system, questions[first : first + _BATCH], max_new_tokens)
            totals, count = totals + states.sum(0), count + len(states)
    return torch.as_tensor(totals / count)


def _states(model: Any, tokenizer: Any, system: str, questions: Sequence[str], max_new_tokens: int) -> "torch.Tensor":
    """Per question the mean output of each layer over its response: [questions, layers, hidden]."""
    import torch

    from amongus.inference.loading import check_window
    from amongus.inference.streams import left_padded
    from amongus.members import chat_template

    prompts = [
        chat_template.render(tokenizer, [{"role": "system", "content": system}, {"role": "user", "content": text}])
        for text in questions
    ]
    batch, padding, _ = left_padded(prompts, model.device)
    padding = torch.ones_like(batch) if padding is None else padding
    width, stops = batch.shape[1], chat_template.turn_ends(tokenizer)
    check_window(model, width + max_new_tokens, "a question with max_new_tokens")
    with torch.inference_mode():
        ids = model.generate(
            input_ids=batch,
            attention_mask=padding,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            eos_token_id=stops,
            pad_token_id=stops[0],
        )
        ends = torch.isin(ids[:, width:], torch.tensor(stops, device=ids.device)).long()
        response = ends.cumsum(1) - ends == 0  # Up to the token that ends it, inclusive.
        mask = torch.cat([padding, response.long()], dim=1)
        return _layer_means(model, ids, mask, response / response.sum(1, keepdim=True))


def _layer_means(model: Any, ids: "torch.Tensor", mask: "torch.Tensor", weights: "torch.Tensor") -> "torch.Tensor":
    """The residual stream after each layer, before any final norm, [questions, layers, hidden], float32.

    Averaged over the last positions by `weights` [questions, time] as soon as a layer has made it: at 7B the outputs
    of all layers would not fit beside the model.
    """
    import torch

    from amongus.inference.loading import decoder_layers

    kept: list[torch.Tensor] = []

    def keep(_module: Any, _inputs: Any, output: Any) -> None:
        states = output[0] if isinstance(output, tuple) else output
        kept.append(torch.einsum("qth,qt->qh", states[:, -weights.shape[1] :].float(), weights))

    decoder = model.get_decoder()
    handles = [layer.register_forward_hook(keep) for layer in decoder_layers(model)]
    try:
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        decoder(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    return torch.stack(kept, dim=1)
