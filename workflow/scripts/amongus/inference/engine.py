"""Texts and logits of members. A text is a pure function of its key; cached answers are not generated again.

The key is the hash of seed, sample, the member's or ensemble's fingerprint, the rendered token ids, sampling,
backend, device, dtype and ENGINE_VERSION. Torch is imported only when the first model is needed.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from amongus.core.errors import StudyError
from amongus.core.hashing import digest
from amongus.core.snakemake_job import Named
from amongus.inference.answer_cache import Store
from amongus.inference.batching import batches
from amongus.inference.rounding import doubtful, to_grid
from amongus.inference.sampling_params import Sampling
from amongus.members.chat_template import Labels, label_tokens, load_tokenizer, render, turn_end_text
from amongus.members.member import Member, Message
from amongus.members.prompts import clipped
from amongus.members.requests import Answer, EnsembleRequest, Request

if TYPE_CHECKING:
    from amongus.inference.loading import Models, Weights

ENGINE_VERSION = 1
"""Part of every key: raise it when a change would give the same key another text."""

BACKEND = "transformers"


@dataclass(frozen=True)
class _Question:
    """A request as the models see it: per member its prompt."""

    key: str
    fingerprint: str
    members: tuple[str, ...]
    prompts: tuple[list[int], ...]
    messages: Sequence[Message]

    @property
    def length(self) -> int:
        return max(len(prompt) for prompt in self.prompts)

    @property
    def stream(self) -> int:
        """The random stream: 63 bits of the key."""
        return int(self.key[:16], 16) >> 1


@dataclass(eq=False)
class Engine:
    """Answers requests to members in batches whose size, order and interruption do not affect the texts.

    Attributes:
        members: by the names that requests use.
        sampling: the same for every request.
        seed: the study's.
        store: answers from other jobs; None generates everything.
        batch_tokens: positions in memory at once, those of all members together.
        max_batch: rows decoded at once.
        device, dtype: where to run and in which precision; exactness is promised for float32 on a CPU.
        name_log: the label of the progress bar on standard error; None shows none.
        flush_every: answers after which the store is written.

    Raises:
        StudyError: the device is unavailable.
    """

    members: Mapping[str, Member]
    sampling: Sampling
    seed: int
    store: Store | None = None
    batch_tokens: int = 32768
    max_batch: int = 128
    device: str = "cpu"
    dtype: str = "float32"
    name_log: str | None = None
    flush_every: int = 512

    def __post_init__(self) -> None:
        if self.device != "cpu":
            from amongus.inference.loading import check_device

            check_device(self.device)
        self._tokenizers: dict[str, Any] = {}
        self._one_vocabulary: set[tuple[str, ...]] = set()
        self._labelled: defaultdict[tuple[str, ...], dict[tuple[int, ...], list[float]]] = defaultdict(dict)
        self._loaded: Models | None = None
        self._counts = dict.fromkeys(("prompts_asked", "prompts_generated", "prompt_tokens", "new_tokens"), 0)
        self._seconds = 0.0

    @property
    def stats(self) -> dict[str, float]:
        """Counts so far, for the table of costs."""
        loads = self._loaded.loads if self._loaded else 0
        return {**self._counts, "model_loads": loads, "seconds": round(self._seconds, 3)}

    def generate(self, requests: Sequence[Request]) -> list[Answer]:
        """One text per request, in order. Equal requests are generated once.

        Raises:
            StudyError: a member's checkpoint, adapter or vector cannot be used.
        """
        return self._answer([self._question((r.member,), r, self._fingerprint(r.member)) for r in requests], None)

    def ensemble(
        self, requests: Sequence[EnsembleRequest], combine: Callable[[Any], Any], combine_id: str
    ) -> list[Answer]:
        """One text per request, decoded in lockstep from its members' combined next-token logits.

        `combine` takes logits [members, batch, vocabulary] to [batch, vocabulary]; `combine_id`, the name of what it
        computes, is part of the key. Members see the same messages, each with its system prompt and steering.

        Raises:
            StudyError: the members do not share one vocabulary, or cannot be used.
        """
        questions = []
        for request in requests:
            self._check_vocabulary(request.members)
            parts = [self._fingerprint(name) for name in request.members]
            questions.append(self._question(request.members, request, digest("ensemble", combine_id, parts)))
        return self._answer(questions, combine)

    def label_logits(
        self, member: str, conversations: Sequence[Sequence[Message]], labels: Sequence[str], continuation: str = ""
    ) -> list[list[float]]:
        """Per conversation the logits of `labels` after the assistant's `continuation`.

        What all labels begin with belongs to the prompt. Where one token then tells them apart, its logit is a label's;
        else the log-probability of the label's tokens. They are on the grid of `amongus.inference.rounding`. Equal
        conversations are read once: teams under several defences share a router.

        Raises:
            StudyError: the labels have the same tokens, a prompt is too long, or the member cannot be used.
        """
        started = time.perf_counter()
        wanted = label_tokens(self._tokenizer(member), labels, continuation)
        prompts = [self._label_prompt(member, turns, wanted) for turns in conversations]
        cached = self._labelled[member, *labels]
        missing = sorted(set(prompts) - set(cached))
        if missing:
            longest = max(map(len, wanted.ids)) - 1
            asked = dict(zip(prompts, conversations, strict=True))
            for prompt in missing:
                self._check_length((member,), len(prompt), longest, asked[prompt])
            cached.update(zip(missing, self._label_logits(member, missing, wanted.ids), strict=True))
        self._count(len(prompts), len(missing), sum(map(len, missing)), 0, started)
        return [cached[prompt] for prompt in prompts]

    def _label_prompt(self, member: str, turns: Sequence[Message], labels: Labels) -> tuple[int, ...]:
        prompt = self._prompt(member, turns)
        return (*prompt[: len(prompt) - labels.cut], *labels.shared)

    def _label_logits(
        self, member: str, prompts: Sequence[tuple[int, ...]], labels: Sequence[Sequence[int]]
    ) -> list[list[float]]:
        if all(len(label) == 1 for label in labels):
            return self._next_logits(member, prompts, [label[0] for label in labels], False)
        totals = [[0.0] * len(labels) for _ in prompts]
        for start in sorted({tuple(label[:place]) for label in labels for place in range(len(label))}):
            follow = {
                row: one[len(start)]
                for row, one in enumerate(labels)
                if tuple(one[: len(start)]) == start != tuple(one)
            }
            values = self._next_logits(member, [(*prompt, *start) for prompt in prompts], list(follow.values()), True)
            for total, row in zip(totals, values, strict=True):
                for label, value in zip(follow, row, strict=True):
                    total[label] += value
        return [to_grid(total) for total in totals]

    def _next_logits(
        self, member: str, prompts: Sequence[Sequence[int]], ids: Sequence[int], normalised: bool
    ) -> list[list[float]]:
        """The logits, or the log-probabilities, of some tokens after each prompt, on the grid."""
        from amongus.inference.streams import canonical, next_logits

        weights = self._weights(member)
        values: list[list[float]] = [[]] * len(prompts)

        def read(logits: Any) -> list[list[float]]:
            return (logits.log_softmax(-1) if normalised else logits)[:, list(ids)].tolist()

        for rows in batches([len(prompt) for prompt in prompts], self.batch_tokens, self.max_batch):
            logits = read(next_logits(weights, [prompts[row] for row in rows]))
            for row, batched in zip(rows, logits, strict=True):
                values[row] = to_grid(read(canonical(weights, prompts[row]))[0] if doubtful(batched) else batched)
        return values

    def _answer(self, questions: Sequence[_Question], combine: Callable[[Any], Any] | None) -> list[Answer]:
        started = time.perf_counter()
        unique = {question.key: question for question in questions}
        answers = self._cached(unique.values())
        missing = [question for key, question in unique.items() if key not in answers]
        try:
            for batch, texts in self._generated(missing, combine):
                answers.update(zip((question.key for question in batch), texts, strict=True))
                self._keep(batch, texts)
        finally:
            # Keep what was generated before an interruption.
            if self.store is not None:
                self.store.flush()
        new = sum(answers[question.key].n_tokens for question in missing)
        tokens = sum(len(prompt) for question in missing for prompt in question.prompts)
        self._count(len(questions), len(missing), tokens, new, started)
        return [answers[question.key] for question in questions]

    def _cached(self, questions: Iterable[_Question]) -> dict[str, Answer]:
        if self.store is None:
            return {}
        keys = defaultdict(list)
        for question in questions:
            keys[question.fingerprint].append(question.key)
        return {
            key: Answer(*row)
            for fingerprint, some in keys.items()
            for key, row in self.store.get(fingerprint, some).items()
        }

    def _keep(self, questions: Sequence[_Question], answers: Sequence[Answer]) -> None:
        if self.store is None:
            return
        for question, answer in zip(questions, answers, strict=True):
            self.store.put(question.fingerprint, question.key, answer)
        if self.store.waiting >= self.flush_every:
            self.store.flush()

    def _generated(
        self, questions: Sequence[_Question], combine: Callable[[Any], Any] | None
    ) -> Iterator[tuple[list[_Question], list[Answer]]]:
        """Batches of questions and their new answers, members with the same weights together."""
        from tqdm import tqdm

        if not questions:
            return
        groups = defaultdict(list)
        for question in questions:
            self._check_length(question.members, question.length, self.sampling.max_new_tokens, question.messages)
            groups[tuple(self._weights(name) for name in question.members)].append(question)
        hidden = self.name_log is None
        with tqdm(
            total=len(questions), desc=self.name_log, unit="text", file=sys.stderr, mininterval=2, disable=hidden
        ) as bar:
            for weights, group in groups.items():
                lengths = [(q.length + self.sampling.max_new_tokens) * len(weights) for q in group]
                for rows in batches(lengths, self.batch_tokens, self.max_batch):
                    batch = [group[row] for row in rows]
                    yield batch, self._decode(weights, batch, combine)
                    bar.update(len(batch))

    def _decode(
        self, weights: Sequence["Weights"], batch: Sequence[_Question], combine: Callable[[Any], Any] | None
    ) -> list[Answer]:
        from amongus.inference.decode import decode

        prompts = list(zip(*(question.prompts for question in batch), strict=True))
        texts = decode(weights, prompts, [question.stream for question in batch], self.sampling, combine)
        tokenizer = weights[0].base.tokenizer
        end = turn_end_text(tokenizer)
        answers = []
        for ids, stop_reason in texts:
            text = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
            if end and end in text:
                text, stop_reason = text.partition(end)[0], "stop"
            answers.append(Answer(text, len(ids), stop_reason))
        return answers

    def _question(self, members: tuple[str, ...], request: Request | EnsembleRequest, fingerprint: str) -> _Question:
        prompts = tuple(self._prompt(name, request.messages) for name in members)
        machine = (BACKEND, self.device, self.dtype, ENGINE_VERSION)
        key = digest(self.seed, request.sample, fingerprint, prompts, asdict(self.sampling), *machine)
        return _Question(key, fingerprint, members, prompts, request.messages)

    def _prompt(self, name: str, messages: Sequence[Message]) -> list[int]:
        member = self._member(name)
        system = [{"role": "system", "content": member.system}] if member.system is not None else []
        return render(self._tokenizer(name), [*system, *messages])

    def _check_length(self, names: Sequence[str], prompt: int, new: int, messages: Sequence[Message]) -> None:
        """Refuse what does not fit into a member's context window."""
        for name in names:
            window = self._weights(name).base.window
            if window is not None and prompt + new > window:
                asked = " ".join(messages[-1]["content"].split())
                raise StudyError(
                    f"{self._member(name).base}: '{name}' is asked {prompt} tokens ('{clipped(asked, 60)}') and may write "
                    f"{new}, its window is {window}; shorten the prompts, lower max_new_tokens, or take another base"
                )

    def _member(self, name: str) -> Member:
        try:
            return self.members[name]
        except KeyError:
            raise StudyError(f"unknown member '{name}'; valid: {', '.join(sorted(self.members))}") from None

    def _fingerprint(self, name: str) -> str:
        fingerprint = self._member(name).fingerprint
        if not fingerprint and self.store is not None:
            raise StudyError(f"member '{name}' has no fingerprint, so its answers cannot be cached; make it again")
        return fingerprint

    def _tokenizer(self, name: str) -> Any:
        directory = self._member(name).base
        if directory not in self._tokenizers:
            self._tokenizers[directory] = load_tokenizer(directory)
        return self._tokenizers[directory]

    def _check_vocabulary(self, members: tuple[str, ...]) -> None:
        if not members:
            raise StudyError("an ensemble without members: the only one was masked; enlarge the pool")
        if members in self._one_vocabulary:
            return
        first, *others = {self._member(name).base: name for name in members}.values()
        for other in others:
            if self._tokenizer(first).get_vocab() != self._tokenizer(other).get_vocab():
                raise StudyError(
                    f"members '{first}' and '{other}' have different vocabularies, so their logits cannot be "
                    "combined; use one base's tokenizer for the pool"
                )
        self._one_vocabulary.add(members)

    def _weights(self, name: str) -> "Weights":
        if self._loaded is None:
            from amongus.inference.loading import Models

            self._loaded = Models(self.device, self.dtype)
        return self._loaded.weights(self._member(name), self._tokenizer(name))

    def _count(self, prompts: int, generated: int, prompt_tokens: int, new_tokens: int, started: float) -> None:
        for name, amount in zip(self._counts, (prompts, generated, prompt_tokens, new_tokens), strict=True):
            self._counts[name] += amount
        self._seconds += time.perf_counter() - started


def open_engine(
    params: Named, members: Iterable[Member], seed: int, sampling: Mapping[str, Any] | None = None
) -> Engine:
    """The engine over `members` with the settings, store and, unless given, sampling of a rule's `params`."""
    return Engine(
        {member.name: member for member in members},
        Sampling(**(sampling or params.sampling)),
        seed=seed,
        store=Store(params.store),
        name_log="answers",
        **params.engine,
    )
