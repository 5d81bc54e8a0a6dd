"""Trainings from data: spread over processes by accelerate, resumed from a checkpoint, kept as safetensors only."""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

import tiny
from amongus.cli import plan
from amongus.core import processes
from amongus.core.errors import StudyError
from amongus.core.json_files import read_json, write_json
from amongus.core.processes import Process
from amongus.core.tables import CONVERSATIONS, write_table
from amongus.members.member import write_fingerprint
from amongus.training import grpo, launching, sft, trainer_args
from amongus.training.checkpoints import last_checkpoint
from amongus.training.common import Tokens
from amongus.training.job import TrainJob
from amongus.training.launching import launch

PERSONAS = {"benign": ["You are a helpful assistant."]}
SFT = {
    "kind": "sft",
    "data": "lies",
    "epochs": 2,
    "max_length": 64,
    "batch_size": 4,
    "per_device": 2,
    "learning_rate": 1e-2,
    "warmup": 0.1,
    "scheduler": "cosine",
    "rank": 4,
    "alpha": 4,
    "dropout": 0.0,
    "targets": ["q_proj", "v_proj"],
    "packing": True,
}
GRPO = {
    "kind": "grpo",
    "data": "asked",
    "reward": "reward",
    "full": True,
    "epochs": 1,
    "batch_size": 8,
    "per_device": 4,
    "group": 4,
    "max_prompt": 64,
    "max_new_tokens": 6,
    "learning_rate": 1e-3,
    "kl": 0.001,
    "entropy": 0.001,
    "clip_ratio": 0.2,
    "temperature": 0.7,
}

LAUNCH = """
import sys
from pathlib import Path
from amongus.training import sft
from amongus.training.launching import launch, read_job
launch(sft, read_job(Path(sys.argv[1]))[1])
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
    ids = [f"lies/{n}" for n in range(24)]
    write_table(folder / "lies.parquet", {"id": ids, "messages": chats}, CONVERSATIONS)
    return folder


def job(home, out, spec, **changes):
    out.mkdir(parents=True)
    models = {"base": home / "base"}
    if "reward" in spec:
        models["reward"] = home / "reward"
    fields = {"name": "liar", "spec": spec, "models": models, "out": out, "seed": 1}
    fields |= {"personas": PERSONAS, "data": home / "lies.parquet"}
    return TrainJob(**{**fields, "scratch": out.parent / "scratch" / "liar.0123456789ab", **changes})


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
    # Until the model is in its place they are needed.
    assert last_checkpoint(made.scratch) == str(made.scratch / f"checkpoint-{metrics['steps']}")


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


def test_the_plan_knows_what_lies_there_while_all_weights_are_trained(home, tmp_path):
    made = job(home, tmp_path / "out", {**GRPO, "checkpoint_every": 1}, dtype="bfloat16")
    assert {tensor.dtype for tensor in trainer_args.trainable(made)[0].parameters()} == {torch.float32}
    assert trainer_args.arguments(made, 8, 1)["save_total_limit"] + 1 == plan.CHECKPOINTS


def test_a_killed_training_goes_on_from_its_last_checkpoint(home, tmp_path):
    spec = {**SFT, "epochs": 200, "packing": False, "checkpoint_every": 3}
    made = job(home, tmp_path / "out", spec)
    launching._private(made.scratch)
    told = tmp_path / "told.json"
    write_json(told, {"module": "", "job": launching._plain(made)})
    running = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(told)],
        env=launching._environment("cpu"),
        stderr=subprocess.DEVNULL,
    )
    _wait(lambda: len(list(made.scratch.glob("checkpoint-*/whole.json"))) > 0)
    running.kill()
    running.wait()
    _wait(lambda: not _trainers(made.scratch))
    reached = int(last_checkpoint(made.scratch).rpartition("-")[2])
    # The rest is shortened: what matters is where it begins.
    state = made.scratch / f"checkpoint-{reached}" / "trainer_state.json"
    assert json.loads(state.read_text())["global_step"] == reached
    metrics = launch(sft, replace(made, spec={**spec, "epochs": reached // 6 + 2}))
    assert metrics["resumed_at"] == reached and metrics["steps"] > reached


def _wait(true, seconds=120):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.1)


def _trainers(scratch):
    """Processes that still train into `scratch`."""
    found = subprocess.run(
        ["pgrep", "-f", str(scratch / "job.json")], capture_output=True, text=True, check=False
    )
    return [pid for pid in found.stdout.split() if pid != str(os.getpid())]


def test_what_a_process_refuses_is_told_in_its_own_line(home, tmp_path, monkeypatch):
    monkeypatch.setattr(launching, "_command", lambda job: [sys.executable, "-m", "amongus.training.worker"])
    with pytest.raises(StudyError, match=r"^'liar': no conversation's prompt is shorter than max_length 3"):
        launch(sft, job(home, tmp_path / "out", {**SFT, "max_length": 3}))


def test_a_process_that_dies_is_told_and_its_checkpoints_are_kept(home, tmp_path, monkeypatch):
    monkeypatch.setattr(launching, "_command", lambda job: ["false"])
    made = job(home, tmp_path / "out", SFT)
    with pytest.raises(StudyError, match="training of 'liar' ended with status 1; its log says why"):
        launch(sft, made)
    assert made.scratch.exists()


@pytest.fixture
def earlier(home, tmp_path):
    """Notes a process of this or another machine in the scratch folder of a training, which is returned."""
    made = job(home, tmp_path / "out", SFT)
    launching._private(made.scratch)

    def note(host, pid):
        owner = Process(host or processes.this_process().host, pid, processes.began(pid) or "1")
        write_json(made.scratch / "owner.json", asdict(owner))
        return made

    return note


@pytest.mark.parametrize(
    ("host", "pid", "waits"), [("elsewhere", 7, [90]), (None, os.getppid(), [90]), (None, 2**22 + 1, [])]
)
def test_a_training_that_another_process_may_still_be_at_is_taken_over(
    earlier, monkeypatch, host, pid, waits
):
    waited = []
    monkeypatch.setattr(launching, "time", SimpleNamespace(sleep=waited.append))
    monkeypatch.setattr(launching, "_command", lambda job: ["false"])
    made = earlier(host, pid)
    with pytest.raises(StudyError, match="ended with status 1"):
        launch(sft, made)
    assert waited == waits
    assert Process(**read_json(made.scratch / "owner.json")) == processes.this_process()


@pytest.mark.parametrize(("gone", "seconds"), [(False, 60), (True, 60), (False, 0)])
def test_a_training_that_was_taken_over_ends(earlier, monkeypatch, gone, seconds):
    made = earlier(None, 2**22 + 1)
    monkeypatch.setattr(launching, "_LOOK", 0.1)
    # In the place of the training: another job takes the folder over, or has finished and removed it.
    theirs = json.dumps(asdict(Process("elsewhere", 7, "1")))
    take = "shutil.rmtree(scratch)" if gone else f"write_json(scratch / 'owner.json', json.loads({theirs!r}))"
    script = f"""
import json, shutil, sys, time
from pathlib import Path
from amongus.core.json_files import write_json
scratch = Path(sys.argv[1]).parent
{take}
time.sleep({seconds})
"""
    monkeypatch.setattr(launching, "_command", lambda job: [sys.executable, "-c", script])
    began = time.monotonic()
    with pytest.raises(StudyError, match="another job has taken this training over"):
        launch(sft, made)
    assert time.monotonic() - began < 30 and (made.scratch / "owner.json").exists() != gone


def test_a_scratch_folder_of_others_is_refused(tmp_path):
    folder = tmp_path / "scratch"
    launching._private(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    with pytest.raises(StudyError, match="others may write to it"):
        launching._private(folder)


def test_batches_must_come_out_even(home, tmp_path, monkeypatch):
    made = job(home, tmp_path / "out", {**SFT, "batch_size": 8, "per_device": 2})
    assert trainer_args.accumulation(made, 8) == 4
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert trainer_args.accumulation(made, 8) == 2
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(StudyError, match="8 rows a step do not divide by 3 processes times per_device 2"):
        trainer_args.accumulation(made, 8)


def test_conversations_are_packed_whole_and_learned_where_the_answer_is(home, tmp_path):
    made = job(home, tmp_path / "out", SFT)
    tokens = [Tokens([1, 2, 3, 4], 2), Tokens([5, 6], 1), Tokens(list(range(9)), 8)]
    rows = sft.packed(tokens, 6, True, made)
    assert rows["input_ids"] == [[1, 2, 3, 4, 5, 6]] and rows["seq_lengths"] == [[4, 2]]
    assert rows["labels"] == [[-100, -100, 3, 4, -100, 6]]
    single = sft.packed(tokens, 3, False, made)
    assert single["input_ids"] == [[1, 2, 3], [5, 6]] and single["labels"] == [[-100, -100, 3], [-100, 6]]


def test_what_does_not_end_in_an_answer_is_not_learned(home, tmp_path):
    made = job(home, tmp_path / "out", SFT)
    asked, said = {"role": "user", "content": "what?"}, {"role": "assistant", "content": "that."}
    assert sft.answered([[asked, said]], made) == [[asked, said]]
    for chat in ([asked], [said], [asked, said, asked]):
        with pytest.raises(StudyError, match="conversation 1 of data 'lies' does not end in an answer"):
            sft.answered([[asked, said], chat], made)


def test_kl_needs_a_model_without_an_adapter_below_it(home, tmp_path):
    made = job(home, tmp_path / "out", GRPO, models={"base": home / "base", "adapter": home / "base"})
    with pytest.raises(StudyError, match="replace a member without an adapter"):
        grpo.train(made)


def test_accelerate_is_configured_by_the_study_alone(home, tmp_path):
    made = job(home, tmp_path / "out", SFT, processes=2)
    assert launching._accelerate(made)["distributed_type"] == "MULTI_GPU"
    own = {"distributed_type": "FSDP"}
    assert launching._accelerate(replace(made, accelerate=own)) == own
    assert "--config_file" in launching._command(made)


def test_packed_conversations_do_not_see_one_another(home, tmp_path):
    from transformers import AutoModelForCausalLM
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    model = AutoModelForCausalLM.from_pretrained(home / "base").eval()
    made = job(home, tmp_path / "out", SFT)
    texts = [Tokens([3, 9, 27, 81, 243], 0), Tokens([5, 25, 125], 0)]
    row = sft.packed(texts, 8, True, made)[0]
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
    asked, answered = {"role": "user", "content": "what"}, {"role": "assistant", "content": "that"}
    long = {"role": "user", "content": "what " * 60}
    assert grpo.fitting([[asked, answered], [long], [asked]], made, 40, "x") == [[asked], [asked]]
    with pytest.raises(StudyError, match="no prompt of at most max_prompt 3"):
        grpo.fitting([[asked]], made, 3, "x")


def test_the_reward_is_minus_the_score_of_what_the_supervisor_would_see():
    seen = []

    def score(conversations):
        seen.extend(conversations)
        return [2.5, -1.0]

    prompt = [{"role": "system", "content": "be"}, {"role": "user", "content": "what"}]
    completions = [[{"role": "assistant", "content": text}] for text in ("this", "that")]
    assert grpo.reversed_reward(score)([prompt, prompt], completions) == [-2.5, 1.0]
    assert seen[0] == [prompt[1], *completions[0]]
