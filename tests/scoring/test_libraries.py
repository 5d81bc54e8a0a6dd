"""The libraries that scored code may import: known by name, and looked for without importing them."""

import json
import os
import re
import sys

import pytest

from amongus.scoring.libraries import installed
from amongus.study.plugins import fact
from checkout import ROOT


def test_installed_means_found_and_imports_nothing():
    assert installed("json") and not installed("no_such_module_here")


DS1000 = os.path.join(os.environ.get("AMONGUS_DATASETS", ROOT.parent / "shared" / "datasets"), "ds1000.json")


@pytest.mark.skipif(not os.path.isfile(DS1000), reason=f"no {DS1000} (set AMONGUS_DATASETS)")
def test_the_list_of_libraries_is_that_of_the_real_rows():
    with open(DS1000) as file:
        data = json.load(file)
    pattern = re.compile(r"^[ \t]*(?:import|from)[ \t]+(\w+)", re.MULTILINE)
    contexts = [row["code_context"] for split in ("dev", "test") for row in data[split]]
    imported = {name for context in contexts for name in pattern.findall(context)}
    part_of_matplotlib = {"mpl_toolkits"}
    assert imported - set(sys.stdlib_module_names) - part_of_matplotlib == set(
        fact("scoring.metrics", "ds1000", "LIBRARIES")
    )
