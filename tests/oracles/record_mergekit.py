"""Record what mergekit's TIES makes of tiny checkpoints: the oracle of `tests/methods/test_dare_ties.py`.

Run by `make oracles` in an environment of its own (requirements.txt beside this file). The recording holds the
inputs too, so the test depends on no random generator: tensors `base/…`, `a/…` to `d/…`, and for each team that
was merged `abc/…`, `abcd/…`.
"""

import sys
import tempfile
from pathlib import Path

import torch
from mergekit.config import MergeConfiguration
from mergekit.merge import run_merge
from mergekit.options import MergeOptions
from safetensors.torch import load_file, save_file

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import tiny  # noqa: E402 - not a package

RECORDING = HERE / "mergekit_ties.safetensors"
SHAPE = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
}
VOCABULARY = 48
MEMBERS, TEAMS = "abcd", ("abc", "abcd")


def inputs() -> dict[str, dict[str, torch.Tensor]]:
    """The tensors of base and members: by name, normal updates or updates in {-2, …, 2} / 64.

    The small whole steps make many updates of exactly zero, and many sums in which signs cancel.
    """
    model = tiny.AutoModelForCausalLM.from_config(tiny.config(VOCABULARY, **SHAPE))
    shapes = {name: value.shape for name, value in model.state_dict().items() if name != "lm_head.weight"}
    generator = torch.Generator().manual_seed(20260202)
    made: dict[str, dict[str, torch.Tensor]] = {"base": {}, **{member: {} for member in MEMBERS}}
    for place, (name, shape) in enumerate(sorted(shapes.items())):
        steps = place % 2 == 0
        base = torch.randint(-64, 65, shape, generator=generator) / 64
        made["base"][name] = base if steps else torch.randn(shape, generator=generator)
        for member in MEMBERS:
            update = torch.randint(-2, 3, shape, generator=generator) / 64
            if not steps:
                update = 0.01 * torch.randn(shape, generator=generator)
            made[member][name] = made["base"][name] + update
    return made


def merge(folder: Path, team: str) -> dict[str, torch.Tensor]:
    """mergekit's TIES of `team` (folders of `folder`): density 1, weights 1/N, not normalised."""
    config = {
        "merge_method": "ties",
        "base_model": str(folder / "base"),
        "models": [
            {"model": str(folder / member), "parameters": {"density": 1.0, "weight": 1 / len(team)}} for member in team
        ],
        "parameters": {"normalize": False, "int8_mask": False},
        "dtype": "float32",
    }
    out = folder / f"merged-{team}"
    options = MergeOptions(copy_tokenizer=False, write_model_card=False, quiet=True)
    run_merge(MergeConfiguration.model_validate(config), str(out), options)
    merged = [load_file(path) for path in sorted(out.glob("*.safetensors"))]
    return {name: value for part in merged for name, value in part.items()}


def main() -> None:
    made = inputs()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for one, tensors in made.items():
            tiny.config(VOCABULARY, architectures=["LlamaForCausalLM"], **SHAPE).save_pretrained(folder / one)
            save_file(tensors, folder / one / "model.safetensors", metadata={"format": "pt"})
        made.update({team: merge(folder, team) for team in TEAMS})
    flat = {f"{one}/{name}": value for one, tensors in made.items() for name, value in tensors.items()}
    save_file(flat, RECORDING)
    print(f"{RECORDING}: {RECORDING.stat().st_size} bytes")


if __name__ == "__main__":
    main()
