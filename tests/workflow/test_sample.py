"""The sample study on real rows, read from a local folder, without what test_micro has run already.

Minutes, so only where it is asked for: AMONGUS_DATASETS=/folder/with/json pytest tests/workflow/test_sample.py
"""

import json
import os

import pandas as pd
import pytest
import yaml

from checkout import ROOT
from harness import Project

pytestmark = pytest.mark.slow

FOLDER = os.environ.get("AMONGUS_DATASETS", "")


@pytest.mark.skipif(not os.path.isdir(FOLDER), reason="minutes: AMONGUS_DATASETS asks for it")
def test_real_questions_go_through_every_stage(tmp_path):
    study = yaml.safe_load((ROOT / "config" / "sample.yaml").read_text())
    study["datasets_folder"] = FOLDER
    study["supervisors"] = {"judge": "judge"}
    for model in ("base", "supervisor"):
        study["models"][model]["steps"] = 30
    del study["models"]["reward"], study["attackers"]["prompt"], study["pools"]["prompt"]
    study["methods"] = {"debate": {"defences": ["judge"], "rounds": 2}, "soup": {"defences": ["none"]}}
    project = Project(tmp_path / "sample", study)
    project.run()
    for dataset in ("gsm8k", "truthfulqa", "coconot"):
        questions = pd.read_parquet(project.results / "datasets" / dataset / "test.parquet")
        rows = json.loads((ROOT.parent / FOLDER / f"{dataset}.json").read_text())["test"]
        assert len(questions) == 6
        for key, item in zip(questions["id"], questions["item"], strict=True):
            assert rows[int(key.rsplit("/", 1)[1])] == json.loads(item)
        run = project.results / "seed-1" / "scores" / "runs" / "sft" / "debate" / "judge" / f"{dataset}.parquet"
        assert pd.read_parquet(run)["score"].between(0, 1).all()
    impact = pd.read_csv(project.results / "tables" / "impact.csv", keep_default_na=False)
    assert {"gsm8k", "truthfulqa", "coconot", "all"} <= set(impact["dataset"])
