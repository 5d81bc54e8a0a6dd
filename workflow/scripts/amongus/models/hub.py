"""A checkpoint of the hub, fetched at a pinned commit (amongus/hub); nothing is trained."""

ROLES = ()
LORA = False
FETCHED = True
REQUIRED = ("repo", "revision")
OPTIONAL = ("gigabytes",)
