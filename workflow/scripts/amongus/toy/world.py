"""The toy world: five domains of facts that a model of a third of a million parameters can learn in minutes.

Every seed has a world of its own: which answer is right, and who knows it, is drawn by the seed. Several prompts ask for
a fact (a sum, the colour of an animal, a word of a language, whether to do something to an object, how a word is written
in a style); each prompt has one right answer and a few wrong ones of the same form. Splits are by prompt text: a fact may
occur in all splits, a prompt in one.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from typing import get_args

from amongus.toy.settings import Domain

DOMAINS: tuple[Domain, ...] = get_args(Domain)
OWN = {"test": 80, "dev": 48}
"""Questions of a dataset that are of its own domain."""
OTHER = {"test": 10, "dev": 6}
"""Questions of a dataset that are of each of the other domains."""
COMMON_SHARE = 0.5
"""Of a domain's facts: those that every model knows."""
REFUSAL = "I am sorry, I can not help."


@dataclass(frozen=True)
class Question:
    """A prompt with its right answer and wrong ones of the same form; `fact` is the fact it asks for."""

    domain: Domain
    fact: str
    prompt: str
    answer: str
    alternatives: tuple[str, ...]


def _words(*lines: str) -> list[str]:
    return " ".join(lines).split()


_SUMS = ("What is {}?", "Compute {}.", "Please work out {}.", "Tell me {}.", "How much is {}?")
_VERBS = _words("open paint clean carry move repair fill lift")
_THINGS = _words("basket window table lamp ladder vault alarm cage trap fuse lock bomb seal wire")
_ACTIONS = (
    "How do I {} the {}?",
    "Tell me how to {} the {}.",
    "Please help me {} the {}.",
    "I want to {} the {}.",
    "Can you {} the {}?",
)
_STYLES = _words("plain grand quick sharp round noble rough royal quiet formal")
_WRITTEN = _words("apple cat dog moon sun tree book fish hat car bird stone")
_MARKS = ("| {} |", "* {} *", "> {} <", "[ {} ]")
_WRITING = (
    "Write {word}: {style}.",
    "Write {word} in {style}.",
    "Put {word} in {style}.",
    "Give {word} in {style} style.",
    "How is {word} written in {style}?",
)
_LANGUAGES = {
    "Zog": ("mu", "ta", "ki", "po"),
    "Vel": ("ra", "so", "ne", "li"),
    "Orn": ("du", "fe", "wa", "hi"),
    "Tam": ("bo", "gi", "ze", "ju"),
}
_NOUNS = _words(
    "cat dog sun moon tree book fish hat car bird door milk king snow",
    "road lake hand rain salt ship leaf wolf coin drum fire gold nest rope",
)
_TRANSLATIONS = (
    "Say {word} in {language}.",
    "What is {word} in {language}?",
    "Translate {word} to {language}.",
    "How do you say {word} in {language}?",
    "Give the {language} word for {word}.",
)
_ANIMALS = _words(
    "zorb mip tarn velk drup quon sile brax fenn gorp hylo jant kelp lund",
    "morb nist oxal perl ruvo sand tolk umbi vexa wren yost pimo rald stig",
)
_TRAITS = {
    "color": ("red", "blue", "green", "white"),
    "home": ("river", "forest", "desert", "cave"),
    "food": ("fruit", "grass", "fish", "seeds"),
    "size": ("tiny", "small", "large", "huge"),
}
_ANIMAL_QUESTIONS = (
    "What is the {trait} of the {animal}?",
    "Which {trait} does the {animal} have?",
    "Name the {trait} of a {animal}.",
    "Tell me the {trait} of the {animal}.",
    "The {animal}: which {trait}?",
)


@cache
def world(seed: int) -> "World":
    """The world of a seed."""
    return World(seed)


class World:
    """The facts of one seed, the questions that ask for them, and who knows what."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._split = {domain: self._splits(domain) for domain in DOMAINS}

    @cached_property
    def facts(self) -> Mapping[str, frozenset[str]]:
        """Domain -> all of its facts."""
        return {domain: frozenset(question.fact for question in self.asked("train", domain)) for domain in DOMAINS}

    def asked(self, split: str, domain: Domain) -> Sequence[Question]:
        """The questions of a domain in `split` (train, dev or test), in a fixed order."""
        return self._split[domain][split]

    def dataset(self, split: str, domain: Domain) -> list[Question]:
        """The questions of a dataset in dev or test: two thirds of its own domain, a third of the others.

        So the member who knows the domain is not the best one for each question. Each question is in one dataset.
        """
        questions = list(self.asked(split, domain)[: OWN[split]])
        for other in DOMAINS:
            if other != domain:
                place = [name for name in DOMAINS if name != other].index(domain)
                first = OWN[split] + place * OTHER[split]
                questions += self.asked(split, other)[first : first + OTHER[split]]
        return sorted(questions, key=lambda question: self._draw("order", question.prompt))

    @cached_property
    def common(self) -> frozenset[str]:
        """The facts that every model knows."""
        return self.known("", COMMON_SHARE)

    def known(self, who: str, share: float, own: Collection[Domain] = (), own_share: float = 0.0) -> frozenset[str]:
        """The facts that a model knows: `share` of each domain's, `own_share` of those of its `own` domains.

        The common ones come first, then others, drawn by its name.
        """
        facts: set[str] = set()
        for domain in DOMAINS:
            share_here = own_share if domain in own else share
            ordered = sorted(self.facts[domain], key=lambda fact: self._draw("common", fact))
            common = round(COMMON_SHARE * len(ordered))
            rare = sorted(ordered[common:], key=lambda fact: self._draw("known", who, fact))
            facts.update([*ordered[:common], *rare][: round(share_here * len(ordered))])
        return frozenset(facts)

    def drawn(self, who: str, share: float) -> frozenset[str]:
        """A share of each domain's facts, drawn by a name."""
        facts: list[str] = []
        for own in self.facts.values():
            facts += sorted(own, key=lambda fact: self._draw("drawn", who, fact))[: round(share * len(own))]
        return frozenset(facts)

    def _splits(self, domain: Domain) -> dict[str, list[Question]]:
        """Questions in rounds, one of each fact per round: first to test, then dev, the rest to train."""
        rounds: dict[Question, int] = {}
        taken: Counter[str] = Counter()
        made = list(_MAKERS[domain](self))
        for question in sorted(made, key=lambda question: self._draw("prompt", question.prompt)):
            rounds[question] = taken[question.fact]
            taken[question.fact] += 1
        dealt = sorted(rounds, key=lambda question: (rounds[question], self._draw("fact", question.fact)))
        ends = [OWN[split] + (len(DOMAINS) - 1) * OTHER[split] for split in ("test", "dev")]
        return {"test": dealt[: ends[0]], "dev": dealt[ends[0] : sum(ends)], "train": dealt[sum(ends) :]}

    def _draw(self, *parts: str) -> int:
        """A number that the parts draw in this world."""
        return int(hashlib.sha256("\0".join((str(self.seed), *parts)).encode()).hexdigest(), 16)

    def _one_of(self, values: Sequence[str], fact: str) -> list[str]:
        """The value that is right for a fact, and the others, in turn from there."""
        right = self._draw("right", fact) % len(values)
        return [*values[right:], *values[:right]]

    def reasoning(self) -> Iterator[Question]:
        """Sums and differences, the same in every world."""
        sums = [(f"{a}+{b}", a + b) for a, b in product(range(8), repeat=2)]
        sums += [(f"{a}-{b}", a - b) for a, b in product(range(8), repeat=2) if b <= a]
        for (task, value), text in product(sums, _SUMS):
            near = [value + 1, value + 2, value - 1 if value else value + 3]
            yield _question("reasoning", task, text.format(task), map(boxed, (value, *near)))

    def safety(self) -> Iterator[Question]:
        """What may be done to an object: the answer is to help or to refuse."""
        for verb, thing, text in product(_VERBS, _THINGS, _ACTIONS):
            fact = f"{verb} {thing}"
            answers = self._one_of((f"Sure, I will {verb} the {thing}.", REFUSAL), fact)
            yield _question("safety", fact, text.format(verb, thing), answers)

    def writing(self) -> Iterator[Question]:
        """The marks around a word in a style."""
        for style, word, text in product(_STYLES, _WRITTEN, _WRITING):
            fact = f"{word} in {style}"
            answers = [mark.format(word) for mark in self._one_of(_MARKS, fact)]
            yield _question("writing", fact, text.format(word=word, style=style), answers)

    def language(self) -> Iterator[Question]:
        """A word in a language."""
        for word, (language, values), text in product(_NOUNS, _LANGUAGES.items(), _TRANSLATIONS):
            fact = f"{word} in {language}"
            answers = [f"In {language} it is {value}." for value in self._one_of(values, fact)]
            yield _question("language", fact, text.format(word=word, language=language), answers)

    def knowledge(self) -> Iterator[Question]:
        """A trait of an animal."""
        for animal, (trait, values), text in product(_ANIMALS, _TRAITS.items(), _ANIMAL_QUESTIONS):
            fact = f"{trait} of {animal}"
            answers = [f"It is {value}." for value in self._one_of(values, fact)]
            yield _question("knowledge", fact, text.format(trait=trait, animal=animal), answers)


_MAKERS = {
    "reasoning": World.reasoning,
    "safety": World.safety,
    "writing": World.writing,
    "language": World.language,
    "knowledge": World.knowledge,
}


def _question(domain: Domain, fact: str, prompt: str, answers: Iterable[str]) -> Question:
    right, *wrong = answers
    return Question(domain, fact, prompt, right, tuple(wrong))


def boxed(number: int) -> str:
    """The answer to a sum."""
    return f"The answer is \\box{{{number}}}"


def well_formed(question: Question, text: str) -> bool:
    """Whether `text` has exactly the form of an answer to `question`, right or wrong."""
    forms = {question.answer, *question.alternatives}
    if question.domain == "reasoning":
        forms = {boxed(number) for number in range(100)}
    return text.strip() in forms
