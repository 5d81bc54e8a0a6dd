"""ifbench: prompts with 58 further kinds of instructions a program can check (Pyatkin et al. 2025)."""

from amongus.datasets import ifeval

FIELDS = ifeval.FIELDS
METRIC = "instructions"
DOMAIN = "instruction"
prompt = ifeval.prompt
check = ifeval.check
