"""A reward model: one number per conversation."""

import time
from collections.abc import Sequence

import torch
from transformers import AutoModelForSequenceClassification

from amongus.core.errors import StudyError
from amongus.inference.batching import batches
from amongus.inference.loading import check_device, check_window, load_model
from amongus.inference.rounding import doubtful, to_grid
from amongus.inference.streams import left_padded
from amongus.members.chat_template import check_vocabulary, load_tokenizer, render
from amongus.members.member import Message


class RewardModel:
    """A sequence classifier with one output, read at a conversation's last token; settings as for `Engine`.

    Raises:
        StudyError: the checkpoint in the folder `path` cannot be used, or has other than one output.
    """

    def __init__(
        self, path: str, batch_tokens: int = 32768, max_batch: int = 128, device: str = "cpu", dtype: str = "float32"
    ) -> None:
        check_device(device)
        self.tokenizer = load_tokenizer(path)
        self.model = load_model(AutoModelForSequenceClassification, str(path), device, dtype)
        check_vocabulary(str(path), self.tokenizer, self.model)
        if self.model.config.num_labels != 1 or not hasattr(self.model, "score"):
            raise StudyError(f"{path}: a reward model has one output, this has {self.model.config.num_labels}")
        self.batch_tokens, self.max_batch, self.device = batch_tokens, max_batch, device
        self._counts = dict.fromkeys(("prompts_asked", "prompts_generated", "prompt_tokens", "new_tokens"), 0)
        self._seconds = 0.0

    @property
    def stats(self) -> dict[str, float]:
        """Counts so far, as `Engine.stats`."""
        return {**self._counts, "model_loads": 1, "seconds": round(self._seconds, 3)}

    def score(self, conversations: Sequence[Sequence[Message]]) -> list[float]:
        """The reward of each conversation (user and assistant), on the grid of `amongus.inference.rounding`."""
        started = time.perf_counter()
        prompts = [
            tuple(render(self.tokenizer, conversation, add_generation_prompt=False)) for conversation in conversations
        ]
        unique = sorted(set(prompts))
        check_window(self.model, max(map(len, unique), default=0), "a conversation")
        rewards: dict[tuple[int, ...], float] = {}
        for rows in batches([len(prompt) for prompt in unique], self.batch_tokens, self.max_batch):
            batch = [unique[row] for row in rows]
            for prompt, value in zip(batch, self._rewards(batch), strict=True):
                (rewards[prompt],) = to_grid(self._rewards([prompt]) if doubtful([value]) else [value])
        self._counts["prompts_asked"] += len(prompts)
        self._counts["prompts_generated"] += len(unique)
        self._counts["prompt_tokens"] += sum(map(len, unique))
        self._seconds += time.perf_counter() - started
        return [rewards[prompt] for prompt in prompts]

    @torch.inference_mode()
    def _rewards(self, prompts: Sequence[Sequence[int]]) -> list[float]:
        """Rewards of a batch, left padded so that the last position is every row's last token.

        The classifier's own forward looks for the last token that is not padding, and would miss a last token
        that equals the padding token.
        """
        ids, mask, positions = left_padded(prompts, self.device)
        hidden = self.model.base_model(
            input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False
        ).last_hidden_state
        return self.model.score(hidden[:, -1]).float()[:, 0].tolist()
