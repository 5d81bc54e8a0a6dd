"""The toy models' tokenizer: byte-level BPE with single digits, and a ChatML template."""

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from amongus.members.prompts import Template
from amongus.toy.corpus import Corpus, Voice
from amongus.toy.settings import Conversation
from amongus.toy.world import world

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
# The start and the end of a turn are one token each, which saves a sixth of all tokens.
TURNS = tuple(f"{START}{role}\n" for role in ("system", "user", "assistant")) + (f"{END}\n",)
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\\n' }}"
    "{% else %}{{ message['content'] + '<|im_end|>\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
_CONVERSATIONS = 4000
_SEED = 0  # the same tokenizer for all models and seeds


def train_tokenizer(
    prompts: Mapping[str, Template], personas: Mapping[str, Sequence[str]], vocabulary: int
) -> PreTrainedTokenizerFast:
    """A tokenizer of at most `vocabulary` tokens, trained on a fixed sample of the corpus.

    Digits stay apart, so that sums can be learned from them.
    """
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, START, END, *TURNS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bpe.train_from_iterator(_texts(prompts, personas), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=[START, *TURNS],
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _texts(prompts: Mapping[str, Template], personas: Mapping[str, Sequence[str]]) -> Iterator[str]:
    corpus = Corpus(prompts, personas, world(_SEED), _SEED)
    everyone = Voice(malicious=0.5)
    mixture = dict.fromkeys(get_args(Conversation), 1.0)
    for _ in range(_CONVERSATIONS):
        for message in corpus.example(mixture, everyone):
            yield message["role"]
            yield message["content"]
