"""A LoRA adapter of the hub for the model `base`, fetched at a pinned commit (amongus/hub); nothing is trained.

Its config must name the repository of `base`, or what `trained_on` says.
"""

ROLES = ("base",)
LORA = True
FETCHED = True
REQUIRED = ("base", "repo", "revision")
OPTIONAL = ("gigabytes", "trained_on")
