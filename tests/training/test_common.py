"""What trainings share: turns end as the template ends them, and sequences fit into the window."""

from pathlib import Path

import pytest

import tiny
from amongus.core.errors import StudyError
from amongus.training import sft_tokens
from amongus.training.common import encode, load_base
from amongus.training.settings import Optimiser

CHAT = [{"role": "user", "content": "what"}, {"role": "assistant", "content": "that"}]


def test_a_training_learns_the_end_that_the_template_writes(tmp_path):
    base = tiny.checkpoint(tmp_path / "base")
    tiny.tokenizer(tiny.TEMPLATE.replace("<|im_end|>", "<|endoftext|>")).save_pretrained(base)
    model, tokenizer = load_base(Path(base))
    tokens = encode(tokenizer, CHAT)
    assert tokenizer.decode(tokens.ids[tokens.start :]) == "that<|endoftext|>"
    assert tokenizer.eos_token == "<|endoftext|>"
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_what_is_longer_than_the_window_is_not_trained_on(tmp_path):
    model, tokenizer = load_base(Path(tiny.checkpoint(tmp_path / "base", max_position_embeddings=16)))
    long = encode(tokenizer, [{"role": "user", "content": "7" * 20}, CHAT[1]])
    settings = Optimiser(batch_size=1, learning_rate=0.1, warmup=0, scheduler="constant")
    with pytest.raises(StudyError, match=f"{len(long.ids)} tokens, the model's window is 16"):
        sft_tokens.fit(model, tokenizer, [long], settings, 0)
