"""GRPO on prompts from data, by trl, with a reward model's score reversed: a LoRA adapter, or all weights.

Runs in every process that accelerate starts. Among Us, section 3 (RL): group-relative advantages, token-mean loss, KL
by the low-variance estimator from the model it starts from, an entropy bonus.
"""

import logging
import os
from collections.abc import Callable, Sequence
from typing import Any

from amongus.core.errors import StudyError
from amongus.members.member import Message
from amongus.training.job import TrainJob
from amongus.training.settings import ReinforcementFromData

_log = logging.getLogger(__name__)


def train(job: TrainJob[ReinforcementFromData]) -> dict[str, Any]:
    """Train `job.models["base"]` against `job.models["reward"]` on the prompts of `job.data` into `job.out`.

    Raises:
        StudyError: no prompt fits, the batch does not divide by the processes, or all weights are to be trained of a
            member with an adapter.
    """
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    from amongus.inference.loading import check_window
    from amongus.inference.reward_model import RewardModel
    from amongus.members.chat_template import folded, render
    from amongus.training import from_data
    from amongus.training.common import fix_randomness

    spec = job.spec
    if getattr(spec, "full", False) and "adapter" in job.models:
        raise StudyError(
            f"'{job.name}': with full, KL would be measured from the base below the replaced member's adapter; omit "
            "full, or replace a member without an adapter"
        )
    seed = fix_randomness(job.seed, "reinforce", job.name)
    model, tokenizer = from_data.trainable(job)
    prompts = fitting(from_data.conversations(job), tokenizer, spec.max_prompt, job.name)
    longest = max(len(render(tokenizer, prompt)) for prompt in prompts)
    check_window(model, longest + spec.max_new_tokens, "a prompt with max_new_tokens")
    device = job.device if job.device == "cpu" else f"{job.device}:{os.environ.get('LOCAL_RANK', '0')}"
    judge = RewardModel(str(job.models["reward"]), device=device, dtype=job.dtype)
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=reversed_reward(judge.score),
        args=GRPOConfig(
            **from_data.arguments(job, spec.batch_size, seed),
            num_generations=spec.group,
            max_completion_length=spec.max_new_tokens,
            lr_scheduler_type="constant",
            beta=spec.kl,
            epsilon=spec.clip_ratio,
            entropy_coef=spec.entropy,
            loss_type="bnpo",
            temperature=spec.temperature,
            top_p=1.0,
            top_k=0,
        ),
        train_dataset=Dataset.from_list([{"prompt": folded(tokenizer, one), "asked": one} for one in prompts]),
        processing_class=tokenizer,
    )
    metrics = from_data.fit(trainer, job)
    rewards = from_data.logged(trainer, "reward")
    return {**metrics, "prompts": len(prompts), "reward_first": rewards[0], "reward_last": rewards[-1]}


def fitting(chats: Sequence[Sequence[Message]], tokenizer: Any, longest: int, name: str) -> list[list[Message]]:
    """The chats without the assistant's last turn, of at most `longest` tokens; a `StudyError` if there is none."""
    from amongus.members import chat_template

    prompts = [list(turns[:-1]) if turns[-1]["role"] == "assistant" else list(turns) for turns in chats]
    kept = [prompt for prompt in prompts if len(chat_template.render(tokenizer, prompt)) <= longest]
    if len(kept) < len(prompts):
        _log.warning("%d prompts of more than %d tokens are left out", len(prompts) - len(kept), longest)
    if not kept:
        raise StudyError(f"'{name}': no prompt of at most max_prompt {longest} tokens; raise it")
    return kept


def reversed_reward(score: Callable[[Sequence[Sequence[Message]]], list[float]]) -> Callable[..., list[float]]:
    """trl's reward function: minus the score of each prompt, without its system turn, with its completion.

    The column `asked` of trl's dataset has the prompts; `prompt` has them as the template takes them.
    """

    def reward(asked: list[list[Message]], completions: list[list[Message]], **_: Any) -> list[float]:
        bare = [[turn for turn in prompt if turn["role"] != "system"] for prompt in asked]
        chats = [[*prompt, *completion] for prompt, completion in zip(bare, completions, strict=True)]
        return [-value for value in score(chats)]

    return reward
