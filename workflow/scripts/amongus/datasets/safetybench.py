"""safetybench: what is safe, offensive, lawful or ethical (Zhang et al. 2023), 2 to 4 options."""

from amongus.datasets import _formats

FIELDS = ("question", "choices", "answer")
METRIC = "choice"
DOMAIN = "safety"

prompt = _formats.choice_prompt
reference = _formats.choice_reference
check = _formats.choice_fault
