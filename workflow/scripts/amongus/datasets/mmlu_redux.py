"""mmlu_redux: MMLU questions with corrected answers (Gema et al. 2024), four options."""

from amongus.datasets import _formats

FIELDS = ("question", "choices", "answer")
METRIC = "choice"
DOMAIN = "knowledge"

prompt = _formats.choice_prompt
reference = _formats.choice_reference
check = _formats.choice_fault
