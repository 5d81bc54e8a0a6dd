"""The attacker steered by a published persona vector: `vectors` is its URL or path, with its sha256.

Among Us, section 2 (steering). The file is safetensors or a saved tensor [layers, hidden]; see `steering` for vectors
that are extracted here.
"""

from amongus.attackers import _members

TRAINS = "vector"
ATTACK = "steering"
REQUIRED = ("vectors", "layer", "coefficient")
OPTIONAL = ()

member = _members.steered
