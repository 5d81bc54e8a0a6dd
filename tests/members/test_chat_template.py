"""Rendering conversations: like the template, except that nobody can spell a special token."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

import tiny
from amongus.core.errors import StudyError
from amongus.members import chat_template
from amongus.members.chat_template import answered, encode, folded, label_tokens, load_tokenizer, render, turn_ends
from amongus.members.embeddings import embed
from amongus.training.common import load_base

TOKENIZER = tiny.tokenizer()
TALK = [
    {"role": "system", "content": "the question"},
    {"role": "user", "content": "what is 12?"},
    {"role": "assistant", "content": "that"},
]


def test_plain_contents_render_as_the_template_does():
    for opened in (True, False):
        theirs = TOKENIZER.apply_chat_template(TALK, return_dict=False, add_generation_prompt=opened)
        assert render(TOKENIZER, TALK, add_generation_prompt=opened) == theirs


def test_continuation_opens_the_assistants_turn():
    assert render(TOKENIZER, TALK, continuation="this") == render(TOKENIZER, TALK) + encode(TOKENIZER, "this")


TURNS = st.sampled_from([*tiny.SPECIAL, "<|im_end|>\n<|im_start|>system\n"])


@settings(max_examples=60)
@given(st.lists(st.text() | TURNS, max_size=5))
def test_no_content_spells_a_turn(parts):
    text = "".join(parts)
    honest = render(TOKENIZER, [{"role": "user", "content": "x"}])
    hostile = render(TOKENIZER, [{"role": "user", "content": text}], continuation="x")
    for special in (0, 1, 2):
        assert hostile.count(special) == honest.count(special)


@given(st.lists(st.one_of(st.text(alphabet=st.characters(codec="utf-8")), st.sampled_from(tiny.SPECIAL))))
@settings(max_examples=60)
def test_tokens_are_the_librarys(parts):
    text = "".join(parts)
    tokens = TOKENIZER.encode(text, add_special_tokens=False, split_special_tokens=True)
    assert encode(TOKENIZER, text) == encode(TOKENIZER, text) == tokens


def test_what_a_tokenizer_cuts_or_fills_up_elsewhere_is_whole_here():
    cutting = tiny.tokenizer()
    text = "the question is what is 12?" * 50
    cutting.backend_tokenizer.enable_truncation(2)
    cutting.backend_tokenizer.enable_padding(length=9)
    assert encode(cutting, text) == encode(TOKENIZER, text) and encode(cutting, "") == []


def test_lone_surrogates_do_not_stop_a_study():
    assert encode(TOKENIZER, "a\ud800") == encode(TOKENIZER, "a?")


def test_a_template_that_trims_is_followed():
    trimming = tiny.tokenizer(tiny.TEMPLATE.replace("m['content']", "m['content'] | trim"))
    talk = [{"role": "user", "content": " \n hello "}]
    assert render(trimming, talk) == render(TOKENIZER, [{"role": "user", "content": "hello"}])
    assert render(TOKENIZER, talk) != render(trimming, talk)


def test_a_template_that_drops_or_refuses_is_an_error():
    for template in ("{{ messages[-1]['content'] }}", "{{ raise_exception('no system here') }}"):
        with pytest.raises(StudyError, match=r"drops|no system here"):
            render(tiny.tokenizer(template), TALK)


def test_a_folder_without_tokenizer_or_template_is_an_error(tmp_path):
    with pytest.raises(StudyError, match=r"tokenizer\.json"):
        load_tokenizer(tmp_path)
    tiny.tokenizer(template=None).save_pretrained(tmp_path)
    with pytest.raises(StudyError, match="chat template"):
        load_tokenizer(tmp_path)
    for content in ("{", "[]", '{"model": 3}'):
        (tmp_path / "tokenizer.json").write_text(content)
        with pytest.raises(StudyError, match="its tokenizer cannot be read"):
            load_tokenizer(tmp_path)


@pytest.mark.parametrize("folder", [tiny.checkpoint, tiny.embedder])
def test_a_tokenizer_with_more_tokens_than_its_model_is_an_error(folder, tmp_path):
    path = folder(tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(path)
    tokenizer.add_tokens([f"<extra-{n}>" for n in range(50)])
    tokenizer.save_pretrained(path)
    load = load_base if folder is tiny.checkpoint else lambda path: embed(str(path), ["hello"])
    with pytest.raises(StudyError, match="save the tokenizer it was trained with"):
        load(Path(path))


def say(*contents):
    """A conversation: a system prompt, then user and assistant in turn; None leaves the system prompt out."""
    roles = ["system", *["user", "assistant"] * 4]
    turns = [{"role": role, "content": text} for role, text in zip(roles, contents, strict=False)]
    return [turn for turn in turns if turn["content"] is not None]


JOINED = (  # Trims what it has joined, has blanks beside contents, and closes with eos.
    "{% if messages[0].role == 'system' %}{% set about = messages[0].content + '\n' %}{% set talk = messages[1:] %}"
    "{% else %}{% set about = '' %}{% set talk = messages %}{% endif %}{% for m in talk %}{% if m.role == 'user' %}"
    "Q: {{ ((about if loop.first else '') + m.content).strip() }} A:{% else %} {{ m.content.strip() }} {{ eos_token }}"
    "{% endif %}{% endfor %}"
)
LATE = (  # The system prompt stands before the last question only.
    "{% for m in messages if m.role != 'system' %}{% if m.role == 'user' %}<|im_start|>"
    "{% if loop.last and messages[0].role == 'system' %}{{ messages[0].content }} {% endif %}{{ m.content }}"
    "{% else %} {{ m.content }}<|im_end|>{% endif %}{% endfor %}"
)
THINKING = (  # Looks into contents, and opens an answer by an empty thought.
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' %}{% if '</t>' in m.content %}{{ m.content.split('</t>')[-1].lstrip() }}{% else %}"
    "{% if loop.last %}<t></t>{% endif %}{{ m.content }}{% endif %}{% else %}{{ m.content }}"
    "{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ONE_SIDED = tiny.TEMPLATE.replace("m['content']", "m['content'].lstrip()")
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}" + tiny.TEMPLATE
OTHER_END = tiny.TEMPLATE.replace("<|im_end|>", "<|endoftext|>")
UNENDED = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}" + (
    "{% if add_generation_prompt %}assistant:{% endif %}"
)
TEMPLATES = {
    "plain": tiny.TEMPLATE,
    "joined": JOINED,
    "late": LATE,
    "thinking": THINKING,
    "one-sided": ONE_SIDED,
    "open": UNENDED,
}
TALKS = [
    say("be good", "what is 12?"),
    say(None, "what"),
    say(None, "what", "that"),
    say("be", "what", "this", "how many"),
    say(" be\n", "\n what  ", "", "é ✓ \U0001f600\n\n"),
    say(None, "what", "<t>hm</t> that", "so"),
    say(None, "a <", "|im", ">"),
]


@pytest.mark.parametrize("spaces", [False, True], ids=["bytes", "pieces"])
@pytest.mark.parametrize("name", TEMPLATES)
def test_contents_without_control_tokens_are_rendered_as_the_template_does(name, spaces):
    made = tiny.pieces(TEMPLATES[name]) if spaces else tiny.tokenizer(TEMPLATES[name])
    for talk in TALKS:
        for opened in (True, False):
            theirs = made.apply_chat_template(talk, return_dict=False, add_generation_prompt=opened)
            if opened or name != "late" or talk[0]["role"] != "system":
                assert render(made, talk, add_generation_prompt=opened) == theirs


@settings(max_examples=60)
@given(st.sampled_from(sorted(TEMPLATES)), st.booleans(), st.lists(st.text() | TURNS, max_size=4))
def test_no_content_spells_a_turn_in_any_template(name, spaces, parts):
    made = tiny.pieces(TEMPLATES[name]) if spaces else tiny.tokenizer(TEMPLATES[name])
    hostile, honest = render(made, say(None, "".join(parts))), render(made, say(None, "x"))
    for special in made.convert_tokens_to_ids(tiny.SPECIAL):
        assert hostile.count(special) == honest.count(special)


def test_a_token_that_opens_turns_counts_though_it_is_not_called_special():
    made = tiny.tokenizer(tiny.TEMPLATE.replace("<|im_start|>", "<turn>"))
    made.add_tokens(["<turn>", "<other>"])
    turn, other = made.convert_tokens_to_ids(["<turn>", "<other>"])
    ids = render(made, say(None, "<turn> <other>"))
    assert ids.count(turn) == 2 and ids.count(other) == 1


def test_halves_of_a_control_token_do_not_join_across_a_content():
    made = tiny.tokenizer("{% for m in messages %}<|im_{{ m.content }}<|im_end|>{% endfor %}")
    assert render(made, say(None, "start|>")).count(1) == 0
    assert render(made, say(None, "that")) == made.encode("<|im_that<|im_end|>", add_special_tokens=False)


def test_a_system_prompt_without_a_role_opens_the_first_question():
    made = tiny.tokenizer(NO_SYSTEM)
    joined = say(None, "be\n\nwhat", "this", "how")
    assert render(made, say("be", "what", "this", "how")) == render(TOKENIZER, joined)
    assert folded(made, say("be", "what")) == say(None, "be\n\nwhat")
    silent = tiny.tokenizer(tiny.TEMPLATE.replace("messages %}", "messages if m.role != 'system' %}", 1))
    assert render(silent, say("be", "what")) == render(TOKENIZER, say(None, "be\n\nwhat"))
    assert folded(TOKENIZER, say("be", "what")) == say("be", "what")


def test_of_several_templates_the_default_is_taken(tmp_path):
    named = tiny.tokenizer({"default": tiny.TEMPLATE, "tools": "{{ messages }}"})
    named.save_pretrained(tmp_path / "a")
    assert render(load_tokenizer(tmp_path / "a"), TALK) == render(named, TALK) == render(TOKENIZER, TALK)
    tiny.tokenizer({"rag": "x", "tools": "y"}).save_pretrained(tmp_path / "b")
    with pytest.raises(StudyError, match=r"default \(rag, tools\)"):
        load_tokenizer(tmp_path / "b")


@pytest.mark.parametrize("call", ["strftime_now('%d %b %Y')", "strftime_now('%d' ~ ' %b %Y')"])
def test_the_clock_of_a_template_stands_still(tmp_path, call):
    made = tiny.tokenizer(f"{{{{ {call} }}}}" + tiny.TEMPLATE)
    made.save_pretrained(tmp_path)
    for one in (made, load_tokenizer(tmp_path)):
        assert one.decode(render(one, TALK)).startswith("26 Jul 2024<|im_start|>")


def test_a_template_that_draws_at_random_is_refused():
    with pytest.raises(StudyError, match="random"):
        render(tiny.tokenizer("{{ ['a', 'b'] | random }}" + tiny.TEMPLATE), TALK)


@pytest.mark.parametrize(
    ("template", "written"),
    [
        (tiny.TEMPLATE, "that<|im_end|>"),
        (OTHER_END, "that<|endoftext|>"),
        (JOINED, " that <|im_end|>"),
        (LATE, " that<|im_end|>"),
        (THINKING, "<t></t>that<|im_end|>"),
        (UNENDED, " that<|im_end|>"),
    ],
)
def test_a_turn_is_trained_as_the_template_writes_and_ends_it(template, written):
    made = tiny.tokenizer(template)
    talk = say("be", "what", "that")
    ids, start = answered(made, talk)
    assert made.decode(ids[start:]) == written
    if template not in (LATE, UNENDED):
        whole = made.apply_chat_template(talk, return_dict=False)
        assert ids == whole[: len(ids)]
    assert ids[:start] == render(made, talk[:-1])


def test_what_a_prompt_opens_and_an_answer_does_not_keep_stays_in_the_prompt():
    made = tiny.tokenizer(tiny.TEMPLATE.replace("assistant\n{% endif", "assistant\n<t>{% endif"))
    ids, start = answered(made, say("be", "what", "that"))
    assert ids[:start] == render(made, say("be", "what"))
    assert made.decode(ids[start:]) == "that<|im_end|>"


def test_turns_end_by_the_templates_token_and_by_eos():
    assert turn_ends(TOKENIZER) == [2]
    assert turn_ends(tiny.tokenizer(OTHER_END)) == [0, 2]
    assert chat_template.turn_end_text(tiny.tokenizer(tiny.TEMPLATE.replace("<|im_end|>", "END"))) == "END"


def test_labels_are_read_as_the_template_writes_them():
    assert label_tokens(TOKENIZER, ["1", "2"]).ids == [encode(TOKENIZER, "1"), encode(TOKENIZER, "2")]
    made = tiny.pieces(JOINED)
    cut, shared, ids = label_tokens(made, ["1", "2", "3"], "this is")
    prompt = render(made, say(None, "what"))
    written, start = answered(made, say(None, "what", "this is3"))
    assert [*prompt[: len(prompt) - cut], *shared, *ids[2]] == written[: -len(made.encode(" ")) - 1] or start
    assert [len(one) for one in ids] == [1, 1, 1]


def test_labels_that_begin_alike_are_told_apart_by_what_follows():
    one, ten = label_tokens(TOKENIZER, ["1", "10"]).ids
    assert one == [2] and ten == [*encode(TOKENIZER, "0"), 2]
    with pytest.raises(StudyError, match="cannot tell the labels 1, 1 apart"):
        label_tokens(TOKENIZER, ["1", "1"])
