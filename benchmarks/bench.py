"""What the engine saves, in CPU time on one thread, against fair baselines that give the same tokens.

    python benchmarks/bench.py results/bench.json

(a) Lockstep logit decoding (six members' mean logits, KV caches) against a plain loop that runs every member
over the whole text for every token: inference mode, logits of the last position only, no padding, no early
exit.
(b) The engine against `model.generate` in batches of eight in the order given, on prompts of mixed length.
Both are greedy on random weights without stop tokens, so both sides make equally many tokens.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import math
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, models
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from amongus.core.json_files import write_json
from amongus.inference.batching import batches
from amongus.inference.decode import decode
from amongus.inference.loading import Models, Weights
from amongus.inference.sampling_params import Sampling
from amongus.members.member import Member

VOCABULARY = 512
MEMBERS, BATCH, PROMPT, NEW = 6, 8, 128, 128
PROMPTS, SHORTEST, LONGEST, NEW_MIXED = 128, 16, 512, 64
BATCH_TOKENS, MAX_BATCH = 32768, 128


def make_checkpoint(folder: Path) -> None:
    """Save a random Llama of 10 million parameters, with a tokenizer that is never asked anything."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=384,
        num_hidden_layers=6,
        num_attention_heads=6,
        num_key_value_heads=6,
        intermediate_size=976,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        initializer_range=0.08,
        bos_token_id=None,
        eos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    words = {f"w{index}": index for index in range(VOCABULARY)}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="w0")))
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    tokenizer.save_pretrained(folder)


def make_adapter(folder: Path, base: Path, seed: int) -> None:
    """Save a random LoRA adapter (rank 16 on the attention) for `base`."""
    torch.manual_seed(seed)
    targets = ["q_proj", "k_proj", "v_proj", "o_proj"]
    settings = LoraConfig(r=16, lora_alpha=16, target_modules=targets, init_lora_weights=False)
    get_peft_model(LlamaForCausalLM.from_pretrained(base), settings).save_pretrained(folder)


def load_base(folder: Path) -> Weights:
    """The base alone, without stop tokens."""
    make_checkpoint(folder / "base")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder / "base")
    weights = Models().weights(Member("0", str(folder / "base")), tokenizer)
    weights.base.stops = []
    return weights


def add_members(folder: Path, base: Weights) -> list[Weights]:
    """The base and five adapters on it, as a pool of a study has them."""
    weights = [base]
    for number in range(1, MEMBERS):
        adapter = folder / f"adapter{number}"
        make_adapter(adapter, folder / "base", number)
        weights.append(Weights(base.base, base.base.attach(str(adapter))))
    return weights


@torch.inference_mode()
def plain_loop(weights: list[Weights], prompts: list[list[int]]) -> list[list[int]]:
    """Mean logits of all members, each over the whole text for each new token."""
    ids = torch.tensor(prompts)
    for _ in range(NEW):
        logits = []
        for one in weights:
            with one.base.active([one], len(prompts), start=-1) as model:
                logits.append(model(input_ids=ids, use_cache=False, logits_to_keep=1).logits[:, -1])
        ids = torch.cat([ids, torch.stack(logits).mean(0).argmax(-1, keepdim=True)], 1)
    return ids[:, len(prompts[0]) :].tolist()


def lockstep(weights: list[Weights], prompts: list[list[int]]) -> list[list[int]]:
    """The same texts from the engine's decode loop."""
    sampling = Sampling(temperature=0, max_new_tokens=NEW)
    texts = decode(weights, [prompts] * len(weights), range(len(prompts)), sampling, lambda logits: logits.mean(0))
    return [ids for ids, _ in texts]


@torch.inference_mode()
def generate_unsorted(model: Any, prompts: list[list[int]]) -> list[list[int]]:
    """`model.generate` in batches of eight, in order, left padded with a mask."""
    texts = []
    for start in range(0, len(prompts), BATCH):
        batch = prompts[start : start + BATCH]
        width = max(map(len, batch))
        ids = torch.tensor([[0] * (width - len(prompt)) + prompt for prompt in batch])
        mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in batch])
        made = model.generate(
            input_ids=ids, attention_mask=mask, max_new_tokens=NEW_MIXED, do_sample=False, pad_token_id=0
        )
        texts += made[:, width:].tolist()
    return texts


def generate_sorted(weights: Weights, prompts: list[list[int]]) -> list[list[int]]:
    """The same texts by the engine: batches of like length under a token budget."""
    sampling = Sampling(temperature=0, max_new_tokens=NEW_MIXED)
    texts: list[list[int]] = [[]] * len(prompts)
    for rows in batches([len(prompt) + NEW_MIXED for prompt in prompts], BATCH_TOKENS, MAX_BATCH):
        made = decode([weights], [[prompts[row] for row in rows]], rows, sampling)
        for row, (ids, _) in zip(rows, made, strict=True):
            texts[row] = ids
    return texts


def mixed_prompts() -> list[list[int]]:
    """Random prompts with lengths log-uniform in 16 to 512, seed 0."""
    rng = random.Random(0)
    lengths = [round(math.exp(rng.uniform(math.log(SHORTEST), math.log(LONGEST)))) for _ in range(PROMPTS)]
    return [[rng.randrange(VOCABULARY) for _ in range(length)] for length in lengths]


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """The result and the CPU seconds it took."""
    started = time.process_time()
    result = work()
    return result, time.process_time() - started


def compare(baseline: Callable[[], Any], ours: Callable[[], Any], new_tokens: int) -> dict[str, Any]:
    """CPU seconds of both, their ratio, and whether the tokens are the same."""
    expected, slow = timed(baseline)
    found, fast = timed(ours)
    return {
        "baseline_cpu_s": round(slow, 2),
        "engine_cpu_s": round(fast, 2),
        "ratio": round(slow / fast, 1),
        "same_tokens": found == expected,
        "new_tokens": new_tokens,
    }


def main(out: str) -> int:
    """Run both comparisons; print a table, write JSON to `out`, fail where tokens differ."""
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    rng = random.Random(0)
    fixed = [[rng.randrange(VOCABULARY) for _ in range(PROMPT)] for _ in range(BATCH)]
    mixed = mixed_prompts()
    with tempfile.TemporaryDirectory() as folder:
        base = load_base(Path(folder))
        base.base.model.generate(input_ids=torch.tensor(fixed), max_new_tokens=2, pad_token_id=0)  # Warms up.
        by_length = compare(
            lambda: generate_unsorted(base.base.model, mixed), lambda: generate_sorted(base, mixed), PROMPTS * NEW_MIXED
        )
        pool = add_members(Path(folder), base)
        lockstep_row = compare(lambda: plain_loop(pool, fixed), lambda: lockstep(pool, fixed), BATCH * NEW)
    results = {
        "(a) six members' mean logits: lockstep against a loop without cache": lockstep_row,
        "(b) mixed lengths: the engine against model.generate in batches of 8": by_length,
    }
    print("| CPU time, one thread | baseline | engine | ratio | same tokens |\n|---|---|---|---|---|")
    for name, row in results.items():
        same = "yes" if row["same_tokens"] else "NO"
        print(f"| {name} | {row['baseline_cpu_s']} s | {row['engine_cpu_s']} s | {row['ratio']} | {same} |")
    write_json(out, results)
    return 0 if all(row["same_tokens"] for row in results.values()) else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python benchmarks/bench.py OUT.json")
    sys.exit(main(sys.argv[1]))
