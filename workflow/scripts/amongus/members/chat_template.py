"""Conversations as token ids: what the tokenizer's chat template writes, but no content can spell a token of the template.

Contents come from datasets and models. Where one holds the text of a control token (of one that opens or closes turns),
its tokens are those of plain text: model text cannot open or close a turn. All other conversations are, id for id, those
of the library's `apply_chat_template`.
"""

import logging
import re
from collections.abc import Sequence
from copy import deepcopy
from datetime import date
from functools import cached_property, lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

from amongus.core.errors import StudyError
from amongus.members.member import Message, check_files

CLOCK = date(2024, 7, 26)
"""What templates that ask for the date are told, so that prompts do not change overnight: Llama 3's own default."""

# Private-use characters around a number stand for a content while the template is rendered.
_MARK = "\ue000{}\ue001"
_MARKED = re.compile("\ue000(\\d+)\ue001")
_MACRO = "{%- macro strftime_now"
_DIRECTIVES = [f"%{flag}{letter}" for letter in "aAbBdeHIjmMpSyYFDTxXcZzuwUV" for flag in ("-", "")]
_CHANCE = re.compile(r"\|\s*random\b|\blipsum\b")
_SHORT = 1000  # characters of a text whose tokens are kept
_log = logging.getLogger(__name__)


class Labels(NamedTuple):
    """How labels are read after a prompt: drop its last `cut` ids, append `shared`, then each label's ids differ."""

    cut: int
    shared: list[int]
    ids: list[list[int]]


def load_tokenizer(directory: str | Path) -> Any:
    """The fast tokenizer of a checkpoint folder, with its chat template; torch is not imported.

    Raises:
        StudyError: the folder has no tokenizer.json or no chat template, or one that cannot be used.
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
    tokenizer.chat_template = _template(tokenizer)
    # What members and judges are asked: an unfit template is found before any work.
    for roles in (("system", "user"), ("user", "assistant", "user")):
        render(tokenizer, [{"role": role, "content": "?"} for role in roles])
    return tokenizer


def check_vocabulary(directory: str, tokenizer: Any, model: Any, split: bool = True) -> int:
    """The number of logits that mean something: one more than the largest id of a token that has a row.

    Special tokens may lack a row where no prompt holds them: they are split in contents, unless `split` is false.

    Raises:
        StudyError: other tokens have no row in the model's embeddings.
    """
    rows = model.get_input_embeddings().weight.shape[0]
    ids = tokenizer.get_vocab().values()
    lacking = {one for one in ids if one >= rows}
    if lacking and split:
        lacking -= {one for one, token in tokenizer.added_tokens_decoder.items() if token.special}
        lacking |= {one for one in _chat(tokenizer).written if one >= rows}
    if lacking:
        raise StudyError(
            f"{directory}: the tokenizer has tokens up to id {max(lacking)}, the model {rows} rows; save the tokenizer it "
            "was trained with"
        )
    return max(one for one in ids if one < rows) + 1


def render(
    tokenizer: Any, messages: Sequence[Message], add_generation_prompt: bool = True, continuation: str = ""
) -> list[int]:
    """The token ids of a conversation: with `add_generation_prompt`, up to where the assistant's next turn begins.

    `continuation` is the start of that turn. Where the template has no system role, the system prompt opens the first
    user turn.

    Raises:
        StudyError: the chat template does not support such a conversation.
    """
    chat = _chat(tokenizer)
    return chat.ids(messages, add_generation_prompt, chat.turn.before + continuation if continuation else "")


def folded(tokenizer: Any, messages: Sequence[Message]) -> list[Message]:
    """The conversation as the template takes it: a system prompt in the first user turn if there is no role for it."""
    chat = _chat(tokenizer)
    return _fold(messages) if chat.folds else list(messages)


def answered(tokenizer: Any, messages: Sequence[Message]) -> tuple[list[int], int]:
    """The token ids of a conversation up to the end of its last turn, the assistant's, and where that turn begins.

    It ends with the token by which the template closes the turn (`turn_ends`).
    """
    chat = _chat(tokenizer)
    prompt = chat.ids(messages[:-1], True)
    # Some templates write a system prompt only where an answer is due.
    for turns in (messages, [message for message in messages if message["role"] != "system"]):
        if chat.text(turns, False).startswith(chat.text(turns[:-1], True)):
            asked, whole = prompt if turns is messages else chat.ids(turns[:-1], True), chat.closed(turns)
            # The prompt's last characters may belong to a token of the turn.
            start = _common([asked, whole])
            cut = len(prompt) - (len(asked) - start)
            return [*prompt[:cut], *whole[start:]], cut
    # Others ask for an answer by what is not kept of it, as the start of a thought.
    return [*prompt, *chat.plain(_clean(messages[-1]["content"])), *turn_ends(tokenizer)[:1]], len(prompt)


def turn_ends(tokenizer: Any) -> list[int]:
    """The ids that end a turn: what the template writes after the assistant's content, then the tokenizer's own."""
    chat = _chat(tokenizer)
    return list(dict.fromkeys(one for one in (*chat.turn.ends, tokenizer.eos_token_id) if one is not None))


def turn_end_text(tokenizer: Any) -> str:
    """What the template writes after the assistant's content where that is plain text and no token; else nothing."""
    turn = _chat(tokenizer).turn
    return "" if turn.ends else turn.after


def label_tokens(tokenizer: Any, labels: Sequence[str], continuation: str = "") -> Labels:
    """How `labels` are written after a prompt and the assistant's `continuation`: as in the template's own turn.

    Raises:
        StudyError: two labels have the same tokens.
    """
    chat = _chat(tokenizer)
    opened = chat.text([{"role": "user", "content": "?"}], True)
    prompt = chat.tokens(opened)
    whole = [list(chat.tokens(opened + chat.turn.before + continuation + label)) for label in labels]
    if any(_common([one, other]) == len(one) for one in whole for other in whole if one is not other):
        if len({tuple(one) for one in whole}) < len(whole):
            raise StudyError(
                f"{tokenizer.name_or_path}: its tokenizer cannot tell the labels {', '.join(labels)} apart; use another base"
            )
        # What follows the shorter label is then part of it.
        whole = [[*one, *turn_ends(tokenizer)[:1]] for one in whole]
    shared = min(_common(whole), *(len(one) - 1 for one in whole))
    kept = min(_common([list(prompt), *whole]), shared)
    return Labels(len(prompt) - kept, whole[0][kept:shared], [one[shared:] for one in whole])


def encode(tokenizer: Any, text: str) -> list[int]:
    """The token ids of `text` with control tokens split; lone surrogates become U+FFFD."""
    return _chat(tokenizer).plain(_clean(text))


class _Turn(NamedTuple):
    """What a template writes around an assistant's content: text after the generation prompt, text and ids after it."""

    before: str
    after: str
    ends: list[int]


class _Chat:
    """A tokenizer and its chat template."""

    def __init__(self, tokenizer: Any, template: str) -> None:
        self._tokenizer, self._template = tokenizer, template
        # The Rust tokenizer behind the library's, twice as fast; a copy, because it splits special tokens at times.
        self._rust = deepcopy(tokenizer.backend_tokenizer)
        self._rust.no_truncation()
        self._rust.no_padding()
        self.tokens = lru_cache(maxsize=1 << 14)(self._tokens)
        self._skeleton = lru_cache(maxsize=256)(self._make_skeleton)
        added = tokenizer.added_tokens_decoder
        self.controls = {one for one, token in added.items() if token.special and one != tokenizer.unk_token_id}
        # Some tokenizers do not call those tokens special by which their template opens turns.
        turns = self.text([{"role": role, "content": _MARK.format(0)} for role in ("user", "assistant", "user")], False)
        before_last = turns[: turns.rfind(_MARK.format(0))]
        self.controls |= {one for one in self.tokens(before_last) if one in added and added[one].content.strip()}
        self._rust.add_special_tokens([added[one] for one in sorted(self.controls) if not added[one].special])
        self._texts = [added[one].content for one in sorted(self.controls)]
        longest_first = sorted(map(re.escape, self._texts), key=len, reverse=True)
        self._control = re.compile("|".join([_MARKED.pattern, *longest_first]))

    @cached_property
    def folds(self) -> bool:
        """Whether the template refuses or drops a system turn."""
        system, user = _MARK.format(0), _MARK.format(1)
        probe = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        try:
            folds = system not in self._apply(probe, True)
        except StudyError:
            folds = True
        if folds:
            _log.warning(
                "%s: its chat template has no system role; system prompts open the first user turn",
                self._tokenizer.name_or_path,
            )
        return folds

    @cached_property
    def turn(self) -> _Turn:
        """What the template writes around the assistant's content."""
        user, content = ({"role": role, "content": _MARK.format(n)} for n, role in enumerate(("user", "assistant")))
        opened, whole = self.text([user], True), self.text([user, content], False)
        before, _, after = whole.rpartition(content["content"])
        # A toy token is the end of a turn with its newline: what is written last is the end alone.
        after = after.rstrip()
        ends = [one for one in self.tokens(after) if one in self.controls][:1]
        return _Turn(before[len(opened) :] if before.startswith(opened) else "", after, ends)

    @cached_property
    def written(self) -> set[int]:
        """The ids that the template itself writes."""
        user = {"role": "user", "content": "?"}
        answer = {"role": "assistant", "content": "?"}
        return {*self.tokens(self.text([user, answer, user], True)), *self.turn.ends}

    def ids(self, messages: Sequence[Message], opened: bool, continuation: str = "", end: bool = False) -> list[int]:
        """The ids of a conversation and the start of the next turn; with `end`, without blanks at the end."""
        messages = [{**message, "content": _clean(message["content"])} for message in messages]
        controls = self._skeleton(tuple(message["role"] for message in messages), opened, end)
        spelling = [bool(self._control.search(message["content"])) for message in messages]
        ids = self._marked(messages, spelling, opened, continuation, end)
        if sum(one in self.controls for one in ids) != controls:
            # Either the template's turns depend on the contents, or a content spells a control token in another way,
            # or together with the text beside it.
            spelling = [one or self._joins(m["content"]) for one, m in zip(spelling, messages, strict=True)]
            ids = self._marked(messages, spelling, opened, continuation, end)
        return ids

    def closed(self, messages: Sequence[Message]) -> list[int]:
        """The ids of a conversation up to the token that closes its last turn."""
        ids = self.ids(messages, False, end=True)
        after = sum(one in self.controls for one in self.tokens(self.turn.after))
        places = [place for place, one in enumerate(ids) if one in self.controls]
        if after and len(places) >= after:
            return ids[: places[-after] + 1]
        return [*ids, *turn_ends(self._tokenizer)[:1]]

    def text(self, messages: Sequence[Message], opened: bool) -> str:
        """What the template writes for a conversation."""
        return self._apply(_fold(messages) if self.folds else messages, opened)

    def plain(self, text: str) -> list[int]:
        """The ids of `text` with control tokens split."""
        self._rust.encode_special_tokens = True
        try:
            ids = self._rust.encode(text, add_special_tokens=False).ids
        finally:
            self._rust.encode_special_tokens = False
        return [one for one in ids if one not in self.controls]

    def _tokens(self, text: str) -> tuple[int, ...]:
        return tuple(self._rust.encode(text, add_special_tokens=False).ids)

    def _apply(self, messages: Sequence[Message], opened: bool) -> str:
        try:
            return self._tokenizer.apply_chat_template(
                list(messages), tokenize=False, add_generation_prompt=opened, chat_template=self._template
            )
        except Exception as error:  # Templates may raise anything.
            roles = ", ".join(message["role"] for message in messages)
            raise StudyError(
                f"{self._tokenizer.name_or_path}: its chat template refuses the roles {roles} ({error}); "
                "use a checkpoint whose template takes them"
            ) from None

    def _make_skeleton(self, roles: tuple[str, ...], opened: bool, end: bool) -> int:
        """How many control tokens the template writes for a conversation; every content must be in it."""
        messages = [{"role": role, "content": _MARK.format(place)} for place, role in enumerate(roles)]
        text = self.text(messages, opened)
        for message in messages:
            # Some templates write a system prompt only where an answer is due.
            if message["content"] not in text and (opened or message["role"] != "system"):
                raise StudyError(f"{self._tokenizer.name_or_path}: its chat template drops messages; use another")
        return sum(one in self.controls for one in self.tokens(text.rstrip() if end else text))

    def _marked(
        self, messages: Sequence[Message], spelling: Sequence[bool], opened: bool, continuation: str, end: bool
    ) -> list[int]:
        """The ids of a conversation, those contents that spell control tokens being plain text between the template's."""
        cores = [message["content"].strip() if spelt else "" for message, spelt in zip(messages, spelling, strict=True)]
        # Blanks around it are left to the template.
        shown = [
            {**message, "content": message["content"].replace(core, _MARK.format(place), 1)} if core else message
            for place, (message, core) in enumerate(zip(messages, cores, strict=True))
        ]
        text = self.text(shown, opened) + continuation
        text = text.rstrip() if end else text
        ids: list[int] = []
        for place, piece in enumerate(_MARKED.split(text) if any(cores) else [text]):
            if place % 2:
                ids += self.plain(cores[int(piece)])
            elif piece:
                ids += (self.tokens if len(piece) <= _SHORT else self._tokens)(piece)
        return ids

    def _joins(self, content: str) -> bool:
        """Whether a content holds a control token, or begins or ends with a part of one."""
        return any(one in self.controls for one in self._tokens(content)) or any(
            content.endswith(control[:place]) or content.startswith(control[place:])
            for control in self._texts
            for place in range(1, len(control))
        )


def _chat(tokenizer: Any) -> _Chat:
    return _cached_chat(tokenizer, _template(tokenizer))


_cached_chat = lru_cache(maxsize=8)(_Chat)


def _template(tokenizer: Any) -> str:
    """The template of a tokenizer, `default` where it has several, with a fixed date.

    Raises:
        StudyError: none is called `default`, or it draws at random.
    """
    template = tokenizer.chat_template
    if isinstance(template, dict):
        if "default" not in template:
            names = ", ".join(sorted(template))
            raise StudyError(f"{tokenizer.name_or_path}: no chat template is called default ({names}); name one so")
        template = template["default"]
    fixed = _fixed(template or "")
    if fixed is None:
        raise StudyError(f"{tokenizer.name_or_path}: its chat template draws at random; use another")
    return fixed


@lru_cache(maxsize=8)
def _fixed(template: str) -> str | None:
    """A template that writes the same at all times; None if it draws at random."""
    if _CHANCE.search(template):
        return None
    if "strftime_now" not in template or _MACRO in template:
        return template
    # A macro of its own in place of the library's function. The newline after it is not written.
    filled = "".join(f"|replace('{one}', '{CLOCK.strftime(one)}')" for one in _DIRECTIVES)
    return f"{_MACRO}(format) -%}}{{{{ format{filled} }}}}{{%- endmacro %}}\n{template}"


def _fold(messages: Sequence[Message]) -> list[Message]:
    """A system prompt at the beginning of the first user turn."""
    if not messages or messages[0]["role"] != "system":
        return list(messages)
    system, *others = messages
    if not others or others[0]["role"] != "user":
        return [{"role": "user", "content": system["content"]}, *others]
    return [{"role": "user", "content": f"{system['content']}\n\n{others[0]['content']}"}, *others[1:]]


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _common(lists: Sequence[Sequence[int]]) -> int:
    """The length of the longest common start of lists."""
    return sum(1 for _ in takewhile(lambda same: len(set(same)) == 1, zip(*lists, strict=False)))
