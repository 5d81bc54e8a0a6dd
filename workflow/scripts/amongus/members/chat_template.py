"""Conversations as token ids: the chat template's own pieces, and the contents in between.

Only the template may contain special tokens. Contents come from datasets and models, so they are tokenised with
special tokens split: model text cannot open or close a turn.
"""

from collections.abc import Sequence
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

from amongus.core.errors import StudyError
from amongus.members.member import Message, check_files

# Private-use characters replace each content while the template is rendered; em spaces show whether it trims.
_MARK = "\ue000{}\ue001"
_SPACE = "\u2003"
_SHORT = 500  # characters of a text whose tokens are kept


def load_tokenizer(directory: str | Path) -> Any:
    """The fast tokenizer of a checkpoint folder, with its chat template; torch is not imported.

    Raises:
        StudyError: the folder has no tokenizer.json or no chat template, or a damaged one.
    """
    from transformers import PreTrainedTokenizerFast  # Takes 0.6 s; many jobs need none.

    check_files(directory)
    if not (Path(directory) / "tokenizer.json").is_file():
        raise StudyError(f"{directory}: no tokenizer.json; save the checkpoint with its fast tokenizer")
    try:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(str(directory), local_files_only=True)
    except Exception as error:  # The library raises plain ones.
        raise StudyError(f"{directory}: its tokenizer cannot be read ({error}); get or train it again") from None
    if not tokenizer.chat_template:
        raise StudyError(f"{directory}: the tokenizer has no chat template; use a chat model's checkpoint")
    return tokenizer


def check_vocabulary(directory: str, tokenizer: Any, model: Any) -> int:
    """The tokenizer's number of token ids; logits beyond are meaningless. A `StudyError` if the model has fewer."""
    size, rows = len(tokenizer), model.get_input_embeddings().weight.shape[0]
    if size > rows:
        raise StudyError(
            f"{directory}: the tokenizer has {size} tokens, the model {rows}; save the tokenizer it was trained with"
        )
    return size


def render(
    tokenizer: Any, messages: Sequence[Message], add_generation_prompt: bool = True, continuation: str = ""
) -> list[int]:
    """The token ids of a conversation: with `add_generation_prompt`, up to where the assistant's next turn begins.

    `continuation` is the start of that turn.

    Raises:
        StudyError: the chat template does not support such a conversation.
    """
    roles = tuple(message["role"] for message in messages)
    pieces, trims = _pieces(tokenizer, tokenizer.chat_template, roles, add_generation_prompt)
    ids = list(pieces[0])
    for message, trim, piece in zip(messages, trims, pieces[1:], strict=True):
        content = message["content"].strip() if trim else message["content"]
        ids += encode(tokenizer, content)
        ids += piece
    return ids + encode(tokenizer, continuation) if continuation else ids


def encode(tokenizer: Any, text: str) -> list[int]:
    """The token ids of `text` with special tokens split; lone surrogates become U+FFFD."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return list((_cached_tokens if len(text) <= _SHORT else _tokens)(tokenizer, text))


def _tokens(tokenizer: Any, text: str) -> tuple[int, ...]:
    return tuple(_splitting(tokenizer).encode(text, add_special_tokens=False).ids)


# The same questions go to every member, and under every defence.
_cached_tokens = lru_cache(maxsize=1 << 15)(_tokens)


@lru_cache(maxsize=8)
def _splitting(tokenizer: Any) -> Any:
    """The Rust tokenizer behind the library's, twice as fast; a copy, because it splits special tokens."""
    copy = deepcopy(tokenizer.backend_tokenizer)
    copy.no_truncation()
    copy.no_padding()
    copy.encode_special_tokens = True
    return copy


@lru_cache(maxsize=256)
def _pieces(
    tokenizer: Any, template: str, roles: tuple[str, ...], add_generation_prompt: bool
) -> tuple[list[list[int]], list[bool]]:
    """The template's text around each content as token ids, and which contents it trims."""
    marks = [_MARK.format(index) for index in range(len(roles))]
    messages = [{"role": role, "content": f"{_SPACE}{mark}{_SPACE}"} for role, mark in zip(roles, marks, strict=True)]
    try:
        rest = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=add_generation_prompt, chat_template=template
        )
    except Exception as error:  # Templates may raise anything.
        raise StudyError(
            f"{tokenizer.name_or_path}: its chat template refuses the roles {', '.join(roles)} ({error}); "
            "use a checkpoint whose template takes them"
        ) from None
    texts, trims = [], []
    for mark in marks:
        kept = f"{_SPACE}{mark}{_SPACE}"
        before, match, rest = rest.partition(kept if kept in rest else mark)
        if not match or mark in rest:
            raise StudyError(f"{tokenizer.name_or_path}: its chat template drops or reorders messages; use another")
        texts.append(before)
        trims.append(match == mark)
    options = {"add_special_tokens": False, "split_special_tokens": False}
    return [tokenizer.encode(text, **options) if text else [] for text in [*texts, rest]], trims
