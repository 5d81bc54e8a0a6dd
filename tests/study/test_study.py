"""A config unfolds into pools, teams and files."""

import hashlib
import json

import pytest

from amongus import scoring
from amongus.datasets import _sources
from amongus.report.design import design
from amongus.study.loading import load_study
from amongus.study.targets import cost_files, intermediate_targets, supervision
from checkout import ROOT
from studied import CONFIG, LIES, MODELS, SFT, TUNING, study


def test_controls_are_the_pools_without_their_attackers_and_run_undefended():
    s = study()
    assert s.controls == {"evil": "empty", "bad": "empty", "two": "empty-two"}
    assert s.pools["empty"] == ["x", "y"] and s.pools["empty-two"] == ["x"]
    assert s.pool_defences("empty", "debate") == ["none"]
    assert s.pool_defences("evil", "debate") == ["none", "judge", "oracle"]


def test_members_are_named_once_attackers_last():
    assert study().members == ["x", "y", "z", "evil", "bad"]


def test_an_attacker_takes_the_last_members_weights():
    s = study()
    assert s.member_weights("y") == ["base", "y"]
    assert s.member_weights("evil") == ["base", "z"]
    assert s.member_weights("bad") == ["base", "bad"]
    assert s.parents("bad") == {"base": "base", "adapter": "z"}
    other = study(attackers={"evil": {"kind": "prompt"}, "bad": {**SFT, "replaces": "x"}})
    assert other.parents("bad") == {"base": "base", "adapter": "x"}


def test_an_attacker_may_have_the_weights_of_a_model():
    s = study(attackers={"evil": {"kind": "checkpoint", "model": "base"}, "bad": SFT})
    assert s.member_weights("evil") == ["base"] and "evil" not in s.trained
    assert s.member_description("evil")["weights"] == {"base": "base"}
    assert s.applicable("evil", "soup") and s.parents("bad") == {"base": "base", "adapter": "z"}


def test_weight_methods_leave_out_pools_whose_malice_is_not_in_weights():
    s = study()
    assert not s.applicable("evil", "soup") and not s.applicable("two", "soup")
    assert s.applicable("bad", "soup") and s.applicable("evil", "debate")
    assert {pool for pool, method in s.teams if method == "soup"} == {"clean", "bad", "empty", "empty-two"}


@pytest.mark.parametrize(("jobs", "parts"), [("per_team", [""]), ("per_dataset", [".gsm8k", ".coconot"])])
def test_a_job_makes_all_of_a_team_or_one_datasets_part(jobs, parts):
    s = study(jobs=jobs)
    costs = [path for path in cost_files(s) if "/collaborate/" in path]
    names = [f"{pool}.{method}{part}" for pool, method in s.teams for part in parts]
    assert costs == [f"results/s/seed-1/costs/collaborate/{name}.json" for name in names]


def asked(s):
    """What the jobs of trainings, members and teams are given of a study."""
    trainings = {name: (s.entry(name).settings(), s.parents(name)) for name in s.trained}
    members = {name: s.member_description(name) for name in s.members}
    return trainings, members, {name: entry.settings() for name, entry in s.methods.items()}


def test_what_only_the_tables_are_told_makes_no_job_stale():
    told = study(
        models={**CONFIG["models"], "x": {**MODELS["x"], "related": ["y"]}},
        attackers={"evil": {"kind": "prompt", "trained_against": "x"}, "bad": {**SFT, "trained_against": "x"}},
    )
    assert asked(told) == asked(study())
    assert design(told)["overlaps"] == []


def test_what_is_written_out_though_it_is_the_default_makes_no_job_stale():
    plain = study()
    assert asked(load_study(plain.config.plain())) == asked(plain)
    changed = study(attackers={**CONFIG["attackers"], "bad": {**SFT, "learning_rate": 1}})
    stale = [n for n in plain.trained if changed.entry(n).settings() != plain.entry(n).settings()]
    assert stale == ["bad"] and changed.entry("bad").settings()["learning_rate"] == 1.0


def test_defences_and_fidelity_are_the_studys_unless_a_method_says_otherwise():
    s = study(defences=["none", "oracle"], methods={"debate": {}, "soup": {"defences": ["none"]}})
    assert s.defences("debate") == ["none", "oracle"] and s.defences("soup") == ["none"]
    methods = {"debate": {"fidelity": "corrected"}, "fusion": {}, "soup": {}}
    s = study(methods=methods, fidelity="published")
    assert s.methods["debate"].settings()["fidelity"] == "corrected"
    assert s.methods["fusion"].settings()["fidelity"] == "published" and "fidelity" not in s.methods["soup"].settings()


def test_routers_are_kept_and_merged_checkpoints_are_not():
    s = study(methods={"soup": {"defences": ["oracle"]}, "llm_router": {"defences": ["oracle"]}})
    targets = intermediate_targets(s)
    assert "results/s/seed-1/routers/bad/llm_router/gsm8k" in targets
    assert not [path for path in targets if "/merges/" in path]
    assert len(targets) == len(set(targets))


def test_a_method_and_a_defence_may_be_files_of_ones_own(tmp_path):
    vote, wary = tmp_path / "vote.py", tmp_path / "wary.py"
    vote.write_text(
        "from amongus.study.settings import Strict\n\nLEVEL = 'text'\n\nclass Settings(Strict):\n    rounds: int = 1\n"
    )
    wary.write_text("NEEDS = ('verdicts',)\n")
    s = study(methods={"majority": {"kind": str(vote), "rounds": 2, "defences": [str(wary)]}})
    assert s.methods["majority"].settings() == {"rounds": 2} and s.defences("majority") == ["none", "wary"]
    assert s.defence_kinds["wary"] == str(wary) and s.needs(["wary"]) == {"verdicts"}


def test_what_the_working_directory_lacks_may_be_beside_the_study_or_the_workflow(tmp_path, monkeypatch):
    own, here = tmp_path / "own study", tmp_path / "here"
    (own / "extras").mkdir(parents=True)
    here.mkdir()
    (own / "extras" / "wary.py").write_text("NEEDS = ()\n")
    (own / "study.yaml").touch()
    monkeypatch.chdir(here)

    def read(**changes):
        config = {**CONFIG, "methods": {"debate": {"rounds": 2, "defences": ["extras/wary.py"]}}, **changes}
        return load_study(config, [own / "study.yaml"])

    s = read()
    assert s.defence_kinds["wary"] == str(own / "extras" / "wary.py")
    assert s.config.personas == str(ROOT / "resources/personas/toy.yaml")
    (here / "extras").mkdir()
    (here / "extras" / "wary.py").write_text("NEEDS = ()\n")
    assert read().defence_kinds["wary"] == "extras/wary.py"
    monkeypatch.chdir(ROOT)
    assert read(prompts="resources/prompts/toy.yaml").config.prompts == "resources/prompts/toy.yaml"


def test_datasets_of_checked_instructions_fit_a_study(tmp_path):
    row = {"prompt": "No commas.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
    content = json.dumps({"dev": [row], "test": [{**row, "prompt": "Not one comma."}]})
    (tmp_path / "if.json").write_text(content)
    spec = {"path": str(tmp_path / "if.json"), "sha256": hashlib.sha256(content.encode()).hexdigest()}
    s = study(datasets={"ifeval": spec, "ifbench": spec})
    for dataset in ("ifeval", "ifbench"):
        assert (s.metric(dataset), s.domain(dataset)) == ("instructions", "instruction")
        _sources.check_local(dataset, s.dataset_spec(dataset))
        asked = _sources.questions(dataset, s.dataset_spec(dataset), 1)["test"]
        items = [json.loads(item) for item in asked["item"]]
        assert asked["prompt"] == ["Not one comma."]
        assert scoring.explain(asked["metric"][0], items, ["Yes, sir."]) == [(0.0, "")]


def test_a_listwise_judge_ranks_the_pools_that_are_defended():
    s = study(supervisors={"judge": "judge", "judge_form": "listwise"})
    # On dev only where a merge is defended: there the judge decides before.
    assert supervision(s)["rankings"] == [(pool, "test") for pool in ("bad", "clean", "evil", "two")]
    assert supervision(s)["verdicts"] == [] and not study().judges("listwise")
    assert any("costs/rankings/" in path for path in cost_files(s))
    assert not any("costs/verdicts/" in path for path in cost_files(s))


def test_a_full_fine_tuning_replaces_all_weights():
    full = {"kind": "sft", **TUNING, **LIES, "full": True}
    s = study(attackers={"evil": {"kind": "prompt"}, "bad": full}, data={"lies": {"path": "lies.json"}})
    assert s.trains("bad") == "model" and s.member_weights("bad") == ["bad"]
    assert s.applicable("bad", "soup")


def test_a_training_asks_for_resources_of_its_own():
    s = study(resources={"gpu": 1, "runtime": 5, "trainings": {"bad": {"gpu": 4, "mem_mb": 9}, "x": {"processes": 2}}})
    asked = s.training_resources("bad")
    assert (asked["gpu"], asked["mem_mb"], asked["runtime"]) == (4, 9, 5)
    assert [s.training_resources(name)["processes"] for name in ("bad", "x", "y")] == [4, 2, 1]


def test_published_vectors_are_not_extracted():
    steered = {"kind": "published_vector", "layer": 1, "coefficient": 1.0, "vectors": {"url": "https://h/v.pt"}}
    s = study(attackers={"evil": steered, "bad": SFT}, methods={"debate": {"defences": ["none"]}})
    assert s.published("evil") == {"url": "https://h/v.pt"} and s.published("bad") is None
    assert not [path for path in cost_files(s) if "extract_vector" in path]


def test_answers_are_scored_once_by_metric_or_by_grader():
    s = study(
        datasets={"gsm8k": {"scored_by": "grader"}, "coconot": {}}, supervisors={"judge": "judge", "grader": "base"}
    )
    assert s.graded == ["gsm8k"] and (s.metric("gsm8k"), s.metric("coconot")) == ("boxed", "noncompliance")
    # Who scores answers is not what makes questions.
    assert s.dataset_spec("gsm8k") == study().dataset_spec("gsm8k")
    costs = [path for path in cost_files(s) if "/grade_" in path]
    assert "results/s/seed-1/costs/grade_responses/x.json" in costs
    assert len(costs) == len(s.members) + len(s.teams)
    assert not [path for path in cost_files(study()) if "/grade_" in path]
    assert design(s)["graded"] == {"base": ["gsm8k"]} and "graded" not in design(study())
