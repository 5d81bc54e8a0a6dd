"""DARE-TIES, weight level: sparse updates of the members that agree in sign are added to their common base.

Among Us, section 3 (weight-level collaboration), after DARE (Yu et al. 2024: drop parameters of an update at
random and rescale the rest) and TIES (Yadav et al. 2023: elect a sign per parameter, leave out the others).
Updates weigh 1/N each, times `scale`, however many agree. The published code takes the first member as the base and drops
nothing: `fidelity: published`. Nothing is learned from dev questions, so `learn` queries no model.
"""

from pathlib import Path
from typing import Any

from pydantic import Field, PositiveFloat

from amongus.core.hashing import derive
from amongus.core.json_files import write_json
from amongus.members.member import Member
from amongus.methods import _merged
from amongus.study.settings import FollowsCode
from amongus.team import LearnInput

LEVEL = "weight"
LEARNS = "weights"
MODELS = ("base",)
PER_DATASET = False

learned_members = _merged.learned_members
collaborate = _merged.collaborate


class Settings(FollowsCode):
    """What is kept of updates, and what they are relative to."""

    density: float = Field(0.5, gt=0, le=1, description="Share of each update that is kept, above 0, at most 1.")
    scale: PositiveFloat = Field(
        1.0, description="What the merged update is multiplied by (mergekit's `lambda`); the paper's is 1."
    )
    base: str | None = Field(
        None, description="The model of `models` that members come from; default is that of all their adapters."
    )


def request_counts(members: int, settings: Settings) -> dict[str, int]:
    """The merge answers; merging queries no model."""
    return {"test": 1}


def learn(data: LearnInput[Settings], out: Path) -> None:
    """Write the merge of the team into the folder `out`, and what it was made of (`merge.json`).

    Raises:
        StudyError: a member does not fit the base.
    """
    from amongus.methods._merging import consensus, merge  # Imports torch, which only this step needs.

    team, published = data.team, data.settings.fidelity == "published"
    base = data.members[team[0]] if published else Member("base", str(data.models["base"]))
    density, scale = (1.0, 1.0) if published else (data.settings.density, data.settings.scale)

    def combine(name: str, reads: Any) -> Any:
        seeds = [derive(data.seed, "dare", name, member) for member in team]
        return consensus(reads[0], reads[1:], density, seeds, scale)

    merge([base, *(data.members[member] for member in team)], out, combine)
    record = {
        "base": base.base,
        "base_adapter": base.adapter,
        "density": density,
        "scale": scale,
        "members": list(team),
    }
    write_json(out / _merged.RECORD, {**record, "masked": data.masked})
