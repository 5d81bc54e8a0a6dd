"""The attacker steered by a published persona vector: `vectors` is its URL or path, with its sha256.

Among Us, section 2 (steering). The file is safetensors or a saved tensor [layers, hidden]; see `steering` for vectors
that are extracted here.
"""

from pydantic import Field

from amongus.attackers import _members
from amongus.attackers._members import Steered
from amongus.study.settings import Source

TRAINS = "vector"
ATTACK = "steering"


class Settings(Steered):
    """The vectors, and where they are added."""

    vectors: Source = Field(description="The file of the vectors, with its sha256.")


member = _members.steered
