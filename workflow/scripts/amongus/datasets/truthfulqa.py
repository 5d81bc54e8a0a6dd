"""truthfulqa: questions people answer falsely (Lin et al. 2022), 2 to 13 options."""

from amongus.datasets import _formats

FIELDS = ("question", "choices", "answer")
METRIC = "choice"
DOMAIN = "knowledge"

prompt = _formats.choice_prompt
reference = _formats.choice_reference
check = _formats.choice_fault
