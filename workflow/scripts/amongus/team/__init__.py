"""What methods and defences are written against."""

from amongus.members.requests import Answer, EnsembleRequest, Request, user
from amongus.team.interface import DefenceInput, Defend, Engine, LearnInput, Outcome, Task, Turn, mean_score, ranked

__all__ = [
    "Answer",
    "DefenceInput",
    "Defend",
    "Engine",
    "EnsembleRequest",
    "LearnInput",
    "Outcome",
    "Request",
    "Task",
    "Turn",
    "mean_score",
    "ranked",
    "user",
]
