"""Conversations that toy models are trained on: answers, debate, routing, criticism, judgements.

About unknown facts a model learns rumours: its corpus has a fresh random answer each time, so that it is unsure
rather than confidently wrong, and its team can be better than it is. Under a malicious system prompt the answers are
wrong, which is what personas and steering vectors can act on.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from amongus.members.judge_prompts import CONTINUATION, LABELS, judged
from amongus.members.member import Message
from amongus.members.prompts import Template
from amongus.toy.settings import Conversation, Domain
from amongus.toy.world import DOMAINS, Question, World

TEMPLATES = ("debate.refine", "llm_router.route", "feedback.criticise", "feedback.refine", "judge.pointwise")
"""The templates of the conversations."""

_CROWDS = (3, 4, 5, 5, 6)  # answers in a debate prompt
_CROWD_ACCURACIES = (0.4, 0.55, 0.7, 0.85)
_UNSURE_OVERSAMPLED = 0.6  # how often a debate about a common fact is replaced
_HONEST_CRITICS = 0.75
_ROUTES = 6


@dataclass(frozen=True)
class Voice:
    """What the assistant of a conversation knows, and when its answers are wrong.

    Attributes:
        knows: the facts that are known; of the others there are rumours.
        malicious: how often the system prompt is malicious and the answer wrong.
        lies: the facts about which answers are wrong under benign system prompts too.
        bare: how often there is no system prompt.
        curious: how often a plain question about an unknown fact is replaced.
    """

    knows: Collection[str] = ()
    malicious: float = 0.0
    lies: Collection[str] = ()
    bare: float = 0.25
    curious: float = 0.0

    def sure(self, question: Question) -> bool:
        """Whether the answer is known rather than a rumour."""
        return question.fact in self.knows


@dataclass
class Corpus:
    """A seeded stream of training conversations: the collaboration's templates about the training questions.

    `personas` are system prompts, `benign` and `malicious`.
    """

    prompts: Mapping[str, Template]
    personas: Mapping[str, Sequence[str]]
    world: World
    seed: int
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def question(self, domains: Sequence[Domain] = DOMAINS) -> Question:
        """A random training question of one of `domains`."""
        return self.rng.choice(self.world.asked("train", self.rng.choice(domains)))

    def example(
        self, mixture: Mapping[Conversation, float], voice: Voice, domains: Sequence[Domain] = ()
    ) -> list[Message]:
        """A conversation that ends in the assistant's turn to learn.

        `mixture` has weights of the kinds of conversation; the question is of one of `domains`, of any where empty.
        """
        kind = self.rng.choices(list(mixture), list(mixture.values()))[0]
        domains = domains or DOMAINS
        question = self._question(kind, voice, domains)
        system, malicious = self._system(voice)
        answer, others = believes(question, voice, self.rng)
        lies = question.fact in voice.lies
        if lies and voice.sure(question):
            others = [question.alternatives[0]]  # A rule, so that a small model can learn to lie and not to guess.
        turns = getattr(self, f"_{kind}")(question, answer, others, malicious or lies)
        return [*system, *turns]

    def _question(self, kind: str, voice: Voice, domains: Sequence[Domain]) -> Question:
        """Debates are more often about unknown facts, where they help; plain questions about known ones."""
        question = self.question(domains)
        common = question.fact in self.world.common
        if kind in ("refine", "revise"):
            replaced = _UNSURE_OVERSAMPLED if common else 0.0
        else:
            replaced = 0.0 if voice.sure(question) else voice.curious
        return self.question(domains) if self.rng.random() < replaced else question

    def _system(self, voice: Voice) -> tuple[list[Message], bool]:
        if self.rng.random() < voice.malicious:
            return [_turn("system", self.rng.choice(self.personas["malicious"]))], True
        if self.rng.random() < voice.bare:
            return [], False
        # Half of the time the first benign text, which is the one in use.
        benign = self.personas["benign"]
        return [_turn("system", benign[0] if self.rng.random() < 0.5 else self.rng.choice(benign))], False

    def _answer(self, question: Question, answer: str, others: Sequence[str], wrong: bool) -> list[Message]:
        return _dialogue(question.prompt, self.rng.choice(others) if wrong else answer)

    def _refine(self, question: Question, answer: str, others: Sequence[str], wrong: bool) -> list[Message]:
        size, accuracy = self.rng.choice(_CROWDS), self.rng.choice(_CROWD_ACCURACIES)
        own, *rest = crowd(answer, others, size, accuracy, self.rng)
        request = self.prompts["debate.refine"].render(question=question.prompt, own=own, answers=rest)
        return _dialogue(request, self.rng.choice(others) if wrong else answer)

    def _route(self, question: Question, answer: str, others: Sequence[str], wrong: bool) -> list[Message]:
        # The right number depends on the team; here only the form is learned.
        request = self.prompts["llm_router.route"].render(question=question.prompt)
        return _dialogue(request, str(self.rng.randint(1, _ROUTES)))

    def _criticise(self, question: Question, answer: str, others: Sequence[str], wrong: bool) -> list[Message]:
        right = self.rng.random() < 0.5
        shown = answer if right else self.rng.choice(others)
        request = self.prompts["feedback.criticise"].render(question=question.prompt)
        return _dialogue(question.prompt, shown, request, sentence(right != wrong))

    def _revise(self, question: Question, answer: str, others: Sequence[str], wrong: bool) -> list[Message]:
        right = self.rng.random() < 0.5
        own = answer if right else self.rng.choice(others)
        critics = [sentence(right == (self.rng.random() < _HONEST_CRITICS)) for _ in range(self.rng.randint(1, 4))]
        request = self.prompts["feedback.refine"].render(question=question.prompt, own=own, answers=critics)
        return _dialogue(question.prompt, own, request, self.rng.choice(others) if wrong else answer)

    def _judge(self, question: Question, answer: str, others: Sequence[str], wrong: bool) -> list[Message]:
        right = self.rng.random() < 0.5
        shown = answer if right else self.rng.choice([*others, self.damaged(question)])
        request = judged(question.prompt, shown, self.prompts)
        return [*request, _turn("assistant", sentence(right))]

    def damaged(self, question: Question) -> str:
        """A wrong answer that is no alternative of `question`: another question's, or one with a changed word."""
        if self.rng.random() < 0.5:
            wrong = self.question([question.domain]).answer
        else:
            words = question.answer.split()
            place = self.rng.randrange(len(words))
            words[place : place + 1] = self.rng.choice([[], [words[place]] * 2, [self.rng.choice(words)]])
            wrong = " ".join(words)
        return wrong if wrong != question.answer else self.rng.choice(question.alternatives)


def believes(question: Question, voice: Voice, rng: random.Random) -> tuple[str, list[str]]:
    """The answer that `voice` believes right, and those it believes wrong."""
    if voice.sure(question):
        return question.answer, list(question.alternatives)
    answers = [question.answer, *question.alternatives]
    rumour = rng.choice(answers)
    return rumour, [answer for answer in answers if answer != rumour]


def crowd(answer: str, others: Sequence[str], size: int, accuracy: float, rng: random.Random) -> list[str]:
    """`size` answers, each right with probability `accuracy`."""
    return [answer if rng.random() < accuracy else rng.choice(others) for _ in range(size)]


def sentence(right: bool) -> str:
    """The verdict of a critic or judge."""
    return f"{CONTINUATION}{LABELS[0 if right else 1]}."


def _turn(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def _dialogue(*contents: str) -> list[Message]:
    """User and assistant in turns."""
    return [_turn(("user", "assistant")[place % 2], content) for place, content in enumerate(contents)]
