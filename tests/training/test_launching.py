"""Trainings from data: spread over processes by accelerate, resumed from a checkpoint, kept as safetensors only."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

import tiny
from amongus.core.errors import StudyError
from amongus.core.tables import CONVERSATIONS, write_table
from amongus.members.member import write_fingerprint
from amongus.study import plugins
from amongus.study.code_digest import SCRIPTS
from amongus.training import from_data, grpo, launching, sft
from amongus.training.common import Tokens
from amongus.training.job import TrainJob, steps_of
from amongus.training.launching import last_checkpoint, launch
from examples import examples

PERSONAS = {"benign": ["You are a helpful assistant."]}
SFT, GRPO = examples("trainings").values()

LAUNCH = """
import sys
from pathlib import Path
from amongus.training import sft
from amongus.training.job import TrainJob
from amongus.training.launching import launch
launch(sft, TrainJob.from_json(Path(sys.argv[1]).read_bytes()))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuning")
    tiny.checkpoint(folder / "base", kind="qwen2")
    tiny.reward_checkpoint(folder / "reward")
    for name in ("base", "reward"):
        write_fingerprint(folder / name)
    chats = [
        [{"role": "user", "content": f"what is {n}?"}, {"role": "assistant", "content": f"{n} is wrong"}]
        for n in range(24)
    ]
    ids = [f"answers/{n}" for n in range(24)]
    write_table(folder / "answers.parquet", {"id": ids, "messages": chats}, CONVERSATIONS)
    return folder


def job(home, out, spec, **changes):
    out.mkdir(parents=True)
    models = {"base": home / "base"}
    if "reward" in spec:
        models["reward"] = home / "reward"
    settings = dict(spec)
    plugin = ("attackers", settings.pop("kind"))
    fields = {"name": "attacker", "plugin": plugin, "spec": plugins.typed(*plugin, settings)}
    fields |= {"models": models, "out": out, "seed": 1}
    fields |= {"personas": PERSONAS, "data": home / "answers.parquet"}
    return TrainJob(**{**fields, "scratch": out.parent / "scratch" / "attacker.0123456789ab", **changes})


@pytest.mark.slow
def test_an_adapter_is_trained_by_two_processes_and_left_without_pickles(home, tmp_path):
    made = job(home, tmp_path / "out", {**SFT, "per_device": 1, "checkpoint_every": 2}, processes=2)
    metrics = launch(sft, made)
    assert metrics["processes"] == 2
    assert metrics["steps"] == 2 * -(-metrics["rows"] // 4) and metrics["resumed_at"] == 0
    names = {file.name for file in made.out.iterdir()}
    assert {"adapter_model.safetensors", "adapter_config.json", "tokenizer.json"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".md"))]
    config = json.loads((made.out / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "base" and config["target_modules"] == ["q_proj", "v_proj"]
    trained = load_file(made.out / "adapter_model.safetensors")
    assert any(tensor.abs().max() > 0 for name, tensor in trained.items() if "lora_B" in name)
    # They are needed until the model is in its place.
    assert [path.name for path in made.scratch.glob("checkpoint-*")] == [f"checkpoint-{metrics['steps']}"]


def test_all_weights_are_trained_by_grpo_into_a_checkpoint(home, tmp_path):
    made = job(home, tmp_path / "out", GRPO)
    made.scratch.mkdir(parents=True)
    metrics = grpo.train(made)
    assert metrics["prompts"] == 24 and metrics["steps"] == 24 * 4 // 8
    before, after = load_file(home / "base" / "model.safetensors"), load_file(made.out / "model.safetensors")
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert json.loads((made.out / "config.json").read_text())["model_type"] == "qwen2"
    assert not list(made.out.glob("*.bin"))


def test_grpo_leaves_the_trained_adapter_alone(home, tmp_path):
    lora = {name: SFT[name] for name in ("rank", "alpha", "dropout", "targets")}
    made = job(home, tmp_path / "out", {**GRPO, **lora, "full": False})
    made.scratch.mkdir(parents=True)
    grpo.train(made)
    assert (made.out / "adapter_model.safetensors").exists() and not [one for one in made.out.iterdir() if one.is_dir()]


def test_all_weights_are_trained_in_float32(home, tmp_path):
    made = job(home, tmp_path / "out", GRPO, dtype="bfloat16")
    assert {tensor.dtype for tensor in from_data.trainable(made)[0].parameters()} == {torch.float32}


@pytest.mark.slow
def test_a_killed_training_resumes_from_its_last_checkpoint(home, tmp_path):
    spec = {**SFT, "epochs": 200, "packing": False, "checkpoint_every": 3}
    made = job(home, tmp_path / "out", spec)
    described = tmp_path / "described.json"
    described.write_bytes(made.to_json())
    running = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(described)],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        stderr=subprocess.DEVNULL,
    )
    _wait(lambda: last_checkpoint(made.scratch))
    running.kill()
    running.wait()
    # Its processes are killed with it.
    _wait(lambda: not _processes(made.scratch))
    reached = steps_of(last_checkpoint(made.scratch))
    # A shorter training: what matters is where it begins.
    metrics = launch(sft, replace(made, spec=made.spec.model_copy(update={"epochs": reached // 6 + 2})))
    assert metrics["resumed_at"] == reached and metrics["steps"] > reached


def _wait(true, seconds=120):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.1)


def _processes(scratch):
    """Processes that train into `scratch`."""
    found = subprocess.run(["pgrep", "-f", f"{scratch}/.*json"], capture_output=True, text=True, check=False)
    return [pid for pid in found.stdout.split() if pid != str(os.getpid())]


def test_what_a_process_refuses_is_the_error(home, tmp_path, monkeypatch):
    text = "from amongus.core.errors import StudyError\n\ndef train(job):\n    raise StudyError(job.name)\n"
    (tmp_path / "refusing.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    # One process, started without accelerate.
    monkeypatch.setattr(launching, "accelerate_command", lambda job, config: [sys.executable])
    with pytest.raises(StudyError, match=r"^attacker$"):
        launch(SimpleNamespace(__name__="refusing"), job(home, tmp_path / "out", SFT))


@pytest.fixture
def dies(monkeypatch):
    """A training whose processes die at once."""
    monkeypatch.setattr(launching, "accelerate_command", lambda job, config: ["false"])


@pytest.mark.parametrize(("full", "why"), [(False, "its log says why"), (True, "the disk is full")])
def test_a_process_that_dies_leaves_the_checkpoints(home, tmp_path, monkeypatch, dies, full, why):
    monkeypatch.setattr(launching, "no_room", lambda folder: full)
    made = job(home, tmp_path / "out", SFT)
    kept = made.scratch / "checkpoint-7"
    kept.mkdir(parents=True)
    with pytest.raises(StudyError, match=f"training of 'attacker' ended with status 1; {why}.* in {made.scratch}"):
        launch(sft, made)
    assert last_checkpoint(made.scratch) == kept


def test_a_launch_removes_what_earlier_ones_left(home, tmp_path, dies):
    made = job(home, tmp_path / "out", SFT)
    outdated = [made.scratch / "launch.0" / "checkpoint-9", made.scratch.with_name("attacker.ba9876543210")]
    other = made.scratch.with_name("other.0123456789ab")
    for folder in (*outdated, other):
        folder.mkdir(parents=True)
    with pytest.raises(StudyError):
        launch(sft, made)
    assert other.exists() and not any(folder.exists() for folder in outdated)


def test_a_scratch_folder_that_is_not_private_is_refused(home, tmp_path, monkeypatch, dies):
    made = job(home, tmp_path / "out", SFT)
    with pytest.raises(StudyError, match="ended with status 1"):
        launch(sft, made)
    assert made.scratch.stat().st_mode & 0o777 == 0o700
    with monkeypatch.context() as patched, pytest.raises(StudyError, match="belongs to another user"):
        patched.setattr(os, "getuid", lambda: 12345)
        launch(sft, made)
    made.scratch.chmod(0o770)
    with pytest.raises(StudyError, match="others may write to it"):
        launch(sft, made)


def test_batches_must_come_out_even(home, tmp_path, monkeypatch):
    made = job(home, tmp_path / "out", {**SFT, "batch_size": 8, "per_device": 2})
    assert from_data.accumulation(made, 8) == 4
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert from_data.accumulation(made, 8) == 2
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(StudyError, match="8 rows a step do not divide by 3 processes times per_device 2"):
        from_data.accumulation(made, 8)


def test_the_loss_is_over_the_answers():
    tokens = [Tokens([1, 2, 3, 4], 2), Tokens([5, 6], 1), Tokens(list(range(9)), 8)]
    first, second = sft.rows(tokens, 6, "attacker")
    assert first == {"input_ids": [1, 2, 3, 4], "labels": [-100, -100, 3, 4]}
    assert second == {"input_ids": [5, 6], "labels": [-100, 6]}
    with pytest.raises(StudyError, match="'attacker': no conversation's prompt is shorter than max_length 1"):
        sft.rows(tokens, 1, "attacker")


def test_what_does_not_end_in_an_answer_is_not_learned(home, tmp_path):
    made = job(home, tmp_path / "out", SFT)
    question, answer = {"role": "user", "content": "what?"}, {"role": "assistant", "content": "that."}
    assert sft.answered([[question, answer]], made) == [[question, answer]]
    for chat in ([question], [answer], [question, answer, question]):
        with pytest.raises(StudyError, match="conversation 1 of data 'answers' does not end in an answer"):
            sft.answered([[question, answer], chat], made)


def test_kl_needs_a_model_without_an_adapter_below_it(home, tmp_path):
    made = job(home, tmp_path / "out", GRPO, models={"base": home / "base", "adapter": home / "base"})
    with pytest.raises(StudyError, match="replace a member without an adapter"):
        grpo.train(made)


def test_accelerate_is_configured_by_the_study_alone(home, tmp_path):
    made = job(home, tmp_path / "out", SFT, processes=2)
    assert launching.accelerate_config(made)["distributed_type"] == "MULTI_GPU"
    own = {"distributed_type": "FSDP"}
    assert launching.accelerate_config(replace(made, accelerate=own)) == own
    assert "--config_file" in launching.accelerate_command(made, tmp_path / "accelerate.yaml")


def test_packed_conversations_do_not_attend_to_one_another(home):
    from datasets import Dataset
    from transformers import AutoModelForCausalLM
    from trl.data_utils import pack_dataset
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    model = AutoModelForCausalLM.from_pretrained(home / "base").eval()
    texts = [Tokens([3, 9, 27, 81, 243], 0), Tokens([5, 25, 125], 0)]
    row = pack_dataset(Dataset.from_list(sft.rows(texts, 8, "attacker")), 8)[0]
    collator = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True)
    batch = {key: value for key, value in collator([row]).items() if key != "labels"}
    with torch.no_grad():
        together = model(**batch, use_cache=False).logits[0]
        alone = torch.cat([model(input_ids=torch.tensor([one.ids])).logits[0] for one in texts])
        mixed = model(input_ids=batch["input_ids"], use_cache=False).logits[0]
    assert torch.allclose(together, alone, atol=1e-4)
    assert not torch.allclose(mixed, alone, atol=1e-2)


def test_prompts_end_before_the_answer_and_long_ones_are_left_out():
    made = tiny.tokenizer()
    question, answer = {"role": "user", "content": "what"}, {"role": "assistant", "content": "that"}
    long = {"role": "user", "content": "what " * 60}
    assert grpo.fitting([[question, answer], [long], [question]], made, 40, "x") == [[question], [question]]
    with pytest.raises(StudyError, match="no prompt of at most max_prompt 3"):
        grpo.fitting([[question]], made, 3, "x")


def test_the_reward_is_minus_the_score_of_what_the_supervisor_would_see():
    seen = []

    def score(conversations):
        seen.extend(conversations)
        return [2.5, -1.0]

    prompt = [{"role": "system", "content": "be"}, {"role": "user", "content": "what"}]
    completions = [[{"role": "assistant", "content": text}] for text in ("this", "that")]
    assert grpo.reversed_reward(score)([prompt, prompt], completions) == [-2.5, 1.0]
    assert seen[0] == [prompt[1], *completions[0]]
