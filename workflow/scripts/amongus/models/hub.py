"""A checkpoint of the hub, fetched at a pinned commit (amongus/hub); nothing is trained."""

from amongus.study.hub_references import Repository

FETCHED = True


class Settings(Repository):
    """The repository."""
