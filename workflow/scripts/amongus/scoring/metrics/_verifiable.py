"""The checkers of the library if-verifiable, offline and repeatable: what they would download is replaced.

Sentences are split by an untrained Punkt tokenizer, so that a score does not depend on which NLTK data a machine
has, and nothing is downloaded. langdetect is seeded; a text whose language it cannot detect has no language (the
library lets such a text pass, and logs all of it).
"""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import langdetect
import nltk
from nltk.tokenize import NLTKWordTokenizer
from nltk.tokenize.punkt import PunktSentenceTokenizer

# The library downloads NLTK data on import.
_download, nltk.download = nltk.download, lambda *_, **__: False
try:
    from if_verifiable.ifbench import instructions as ifbench
    from if_verifiable.ifbench import instructions_util as ifbench_util
    from if_verifiable.ifbench.instructions_registry import INSTRUCTION_DICT as IFBENCH
    from if_verifiable.ifeval import instructions as ifeval
    from if_verifiable.ifeval import instructions_util as ifeval_util
    from if_verifiable.ifeval.instructions_registry import INSTRUCTION_DICT as IFEVAL
finally:
    nltk.download = _download

# What has no replacement here: a list of words, and a trained tagger.
_NLTK_DATA = {"ratio:stop_words": "corpora/stopwords", "words:start_verb": "taggers/averaged_perceptron_tagger_eng"}
_SENTENCES = PunktSentenceTokenizer()
_WORDS = NLTKWordTokenizer()

CHECKERS: Mapping[str, Any] = {**IFEVAL, **IFBENCH}


def lacking(instruction: str) -> str | None:
    """The NLTK package that the checker of `instruction` needs and this machine lacks, or None."""
    if resource := _NLTK_DATA.get(instruction):
        try:
            nltk.data.find(resource)
        except LookupError:
            return resource.split("/")[1]
    return None


def words(text: str) -> list[str]:
    """The words and signs of a text, sentence by sentence."""
    return [word for sentence in _SENTENCES.tokenize(text) for word in _WORDS.tokenize(sentence)]


def language(text: str) -> str:
    """The code of a text's language, "" where it cannot be detected; the same for the same text."""
    try:
        return langdetect.detect(text)
    except langdetect.LangDetectException:
        return ""


# Patches only this library's modules.
langdetect.DetectorFactory.seed = 0
ifeval.langdetect = SimpleNamespace(detect=language, LangDetectException=langdetect.LangDetectException)
ifeval_util._get_sentence_tokenizer = lambda: _SENTENCES
ifeval_util.nltk = ifbench_util.nltk = ifbench.nltk = SimpleNamespace(
    corpus=nltk.corpus, ngrams=nltk.ngrams, pos_tag=nltk.pos_tag, tokenize=nltk.tokenize, word_tokenize=words
)
