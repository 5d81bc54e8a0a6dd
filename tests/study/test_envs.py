"""Every conda environment holds what its rules' scripts import, at the lock's versions."""

import ast
import re
import sys

import pytest
import yaml

from amongus.study import code_digest as digests
from amongus.study import plugins
from checkout import ROOT

DISTRIBUTIONS = {"yaml": "pyyaml"}
# What a script imports by a computed name.
BY_NAME = {
    "dataset": ("datasets",),
    "score": ("scoring.metrics",),
    "grade": ("datasets",),
    "member": ("attackers",),
    "train": ("models", "attackers"),
    "extract_vector": ("attackers",),
    "train_router": ("methods",),
    "merge_weights": ("methods", "scoring.metrics", "datasets"),
    "collaborate": ("methods", "defences"),
}
# What stands inside functions that another rule's script calls: an attacker's training, a method's learning.
_TRAINING = {"trl", "datasets"}
_MODELS = _TRAINING | {"torch", "transformers", "peft", "safetensors", "tokenizers", "tqdm"}
ELSEWHERE = {"member": _MODELS, "collaborate": _TRAINING, "extract_vector": _TRAINING, "viewer": {"safetensors"}}


def rules():
    """(script, env) of every rule."""
    found = set()
    for path in (ROOT / "rules").glob("*.smk"):
        for block in re.split(r"^\s*rule\b", path.read_text(), flags=re.MULTILINE)[1:]:
            env = re.search(r'"\.\./envs/(\w+)\.yaml"', block).group(1)
            script = re.search(r'"\.\./workflow/scripts/(\w+)\.py"', block).group(1)
            found.add((script, env))
    assert len(found) >= 12
    return sorted(found)


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


def needed(script):
    """Distributions that `script` may import."""
    entries = [script, *(["amongus.scoring.model_grader"] if script == "merge_weights" else [])]
    for package in BY_NAME.get(script, ()):
        entries += [plugins.entry(package, name) for name in plugins.available(package)]
    own = {path.stem for path in digests.SCRIPTS.glob("*.py")} | {"amongus"}
    found = set()
    for path in digests.reach(entries):
        found.update(imports(path))
    third = found - own - set(sys.stdlib_module_names) - ELSEWHERE.get(script, set())
    return {DISTRIBUTIONS.get(name, name).replace("_", "-") for name in third}


def packages(env):
    content = yaml.safe_load((ROOT / "envs" / f"{env}.yaml").read_text())
    pins = {}
    for entry in content["dependencies"]:
        for line in entry["pip"] if isinstance(entry, dict) else [entry]:
            name, _, version = re.match(r"([\w.-]+)\s*(==?)?\s*([\w.]*)", line).groups()
            pins[name.lower().replace("_", "-")] = version
    return pins


@pytest.mark.parametrize(("script", "env"), rules())
def test_the_env_holds_what_the_script_imports(script, env):
    assert needed(script) <= set(packages(env)), f"missing in envs/{env}.yaml"


def test_scores_are_the_same_wherever_answers_are_run():
    """Members' dev scores and those of a soup, which are compared, come from jobs of two environments."""
    libraries = set()
    for metric in plugins.available("scoring.metrics"):
        libraries |= set(plugins.fact("scoring.metrics", metric, "LIBRARIES", {}).values())
    lock = (ROOT / "requirements.lock").read_text()
    locked = {name for name in libraries if re.search(rf"^{name}==", lock, re.MULTILINE | re.IGNORECASE)}
    assert {"matplotlib", "torch"} < locked and "tensorflow" not in locked
    for env in {env for script, env in rules() if script in ("score", "merge_weights")}:
        assert {"bubblewrap", *locked} <= set(packages(env)), f"missing in envs/{env}.yaml"
        assert not (libraries - locked) & set(packages(env)), f"not of the lock in envs/{env}.yaml"


@pytest.mark.parametrize("env", sorted({env for _, env in rules()}))
def test_the_env_has_the_locks_versions(env):
    text = (ROOT / "requirements.lock").read_text().lower().replace("_", "-")
    lock = dict(line.split("==") for line in text.splitlines() if "==" in line)
    pins = packages(env)
    assert pins.pop("python") == "3.11"
    pins.pop("pip")
    pins.pop("bubblewrap", None)  # a program of its own, not of the lock
    assert pins == {name: lock[name] for name in pins}
