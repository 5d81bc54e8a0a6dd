"""The training of a toy base: from scratch, on conversations.

A loop of our own instead of `transformers.Trainer`: it streams fresh conversations (rumours must never
repeat), fills batches with sequences of one length, and projects only positions with a loss to the
vocabulary.
"""

import logging
import random
from collections.abc import Collection, Iterator
from time import process_time
from typing import Any

import torch
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from amongus.core.hashing import derive
from amongus.toy.corpus import Corpus, Voice
from amongus.toy.known import write_known
from amongus.toy.settings import Conversation
from amongus.toy.tokenizer import train_tokenizer
from amongus.toy.world import world
from amongus.training.common import Tokens, encode, fix_randomness, save_checkpoint
from amongus.training.job import TrainJob

_BUCKET = 16  # batches whose sequences are sorted by length together
_ANSWERS: dict[Conversation, float] = {"answer": 1.0}
log = logging.getLogger(__name__)


def train(job: TrainJob[Any]) -> dict[str, Any]:
    """Train the tokenizer and the model of `job.spec`, `toy_base.Settings`, into `job.out`."""
    spec = job.spec
    fix_randomness(job.seed, "toy_base", job.name)
    tokenizer = train_tokenizer(job.prompts, job.personas, spec.vocabulary)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=spec.hidden_size,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        intermediate_size=spec.intermediate_size,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        initializer_range=spec.initializer_range,
        bos_token_id=None,
        eos_token_id=2,
        pad_token_id=0,
    )
    model = LlamaForCausalLM(config)
    corpus = Corpus(job.prompts, job.personas, world(job.seed), derive(job.seed, "corpus", job.name))
    knows = corpus.world.known(job.name, spec.known)
    metrics = _fit(model, _batches(corpus, tokenizer, spec, knows), spec)
    write_known(job.out, knows)
    save_checkpoint(model, tokenizer, job.out)
    return metrics


def _batches(corpus: Corpus, tokenizer: Any, spec: Any, knows: Collection[str]) -> Iterator[list[Tokens]]:
    """`spec.steps` batches of sequences of similar length; first answers alone, then the whole mixture."""
    steps, size = spec.steps, spec.batch_size
    voice = Voice(knows=knows, malicious=spec.malicious, curious=spec.curious)
    order = random.Random(derive(corpus.seed, "order"))
    for first in range(0, steps, _BUCKET):
        mixture = _ANSWERS if first < spec.answers_first * steps else spec.mixture
        count = min(_BUCKET, steps - first)
        pool = [encode(tokenizer, corpus.example(mixture, voice)) for _ in range(count * size)]
        pool.sort(key=lambda tokens: len(tokens.ids))
        batches = [pool[place : place + size] for place in range(0, len(pool), size)]
        order.shuffle(batches)
        yield from batches


def _fit(model: LlamaForCausalLM, batches: Iterator[list[Tokens]], spec: Any) -> dict[str, Any]:
    began, steps = process_time(), spec.steps
    optimizer = torch.optim.AdamW(model.parameters(), lr=spec.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps, spec.warmup_steps))
    losses: list[float] = []
    tokens = 0
    model.train()
    for step, batch in enumerate(batches, start=1):
        loss = _loss(model, batch, spec.prompt_weight)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        tokens += sum(len(one.ids) for one in batch)
        if step % 200 == 0:
            log.info("step %d/%d loss %.3f", step, steps, sum(losses[-200:]) / 200)
    tail = losses[-200:]
    return {"loss": sum(tail) / len(tail), "steps": steps, "tokens": tokens, "cpu_seconds": process_time() - began}


def _rate(step: int, steps: int, warmup: int) -> float:
    """Warm-up, constant for the first third, then linear decay to a fiftieth."""
    done = step / steps
    decay = 1.0 if done < 0.3 else max(0.02, (1 - done) / 0.7)
    return min(1.0, (step + 1) / warmup) * decay


def _loss(model: LlamaForCausalLM, batch: list[Tokens], prompt_weight: float) -> torch.Tensor:
    """Mean loss of the answers' tokens plus `prompt_weight` times that of the prompts'.

    Sequences are padded on the right, so causal attention needs no mask.
    """
    width = max(len(tokens.ids) for tokens in batch)
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    kind = torch.zeros(len(batch), width, dtype=torch.long)  # 0 padding, 1 prompt, 2 answer
    for row, tokens in enumerate(batch):
        ids[row, : len(tokens.ids)] = torch.tensor(tokens.ids)
        kind[row, : tokens.start] = 1
        kind[row, tokens.start : len(tokens.ids)] = 2
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    wanted, kind = ids[:, 1:], kind[:, 1:]
    kept = kind == 2 if not prompt_weight else kind > 0
    losses = functional.cross_entropy(model.lm_head(hidden[kept]), wanted[kept], reduction="none")
    answers = kind[kept] == 2
    total = losses[answers].mean()
    return total + prompt_weight * losses[~answers].mean() if prompt_weight else total
