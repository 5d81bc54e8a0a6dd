"""The reward model: the classifier's own number at the last token, whatever the batch."""

import pytest
import torch
from transformers import LlamaForSequenceClassification

import tiny
from amongus.core.errors import StudyError
from amongus.inference.reward_model import RewardModel
from amongus.inference.rounding import GRID
from amongus.members.chat_template import render

TALKS = [
    [{"role": "user", "content": "this " * n}, {"role": "assistant", "content": "that" * (n % 3)}] for n in range(12)
]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tiny.reward_checkpoint(tmp_path_factory.mktemp("reward"))


@torch.inference_mode()
def test_rewards_are_the_classifiers(path):
    model = LlamaForSequenceClassification.from_pretrained(path).eval()
    scorer = RewardModel(path)
    for talk, found in zip(TALKS, scorer.score(TALKS), strict=True):
        ids = render(scorer.tokenizer, talk, add_generation_prompt=False)
        assert found == pytest.approx(model(input_ids=torch.tensor([ids])).logits.item(), abs=GRID)
        assert abs(found / GRID - round(found / GRID)) < 1e-6


def test_batches_leave_no_trace_and_equal_talks_are_read_once(path):
    single, whole = RewardModel(path, max_batch=1), RewardModel(path)
    assert single.score(TALKS) == whole.score(TALKS) == whole.score(TALKS[::-1])[::-1]
    again = RewardModel(path)
    assert again.score(TALKS + TALKS) == 2 * whole.score(TALKS)
    assert again.stats["prompts_asked"] == 24 and again.stats["prompts_generated"] == 12


def test_rounding_leaves_no_trace(path, monkeypatch):
    expected = RewardModel(path).score(TALKS)
    exact = RewardModel._rewards

    def disturbed(self, prompts):
        return exact(self, prompts) if len(prompts) == 1 else [v + 3.9e-5 for v in exact(self, prompts)]

    monkeypatch.setattr(RewardModel, "_rewards", disturbed)
    assert RewardModel(path).score(TALKS) == expected


def test_what_exceeds_the_window_is_refused(path):
    long = [{"role": "user", "content": "7" * 9000}, {"role": "assistant", "content": "that"}]
    with pytest.raises(StudyError, match=r"a conversation has \d+ tokens, the model's window is 8192"):
        RewardModel(path).score([long])


def test_a_classifier_of_several_classes_is_refused(tmp_path):
    base = tiny.tokenizer()
    LlamaForSequenceClassification(tiny.config(len(base), num_labels=3)).save_pretrained(tmp_path)
    base.save_pretrained(tmp_path)
    with pytest.raises(StudyError, match="one output, this has 3"):
        RewardModel(tmp_path)


def test_a_causal_model_has_no_reward(tmp_path):
    with pytest.raises(StudyError, match="do not fit the architecture"):
        RewardModel(tiny.checkpoint(tmp_path))
