"""Templates insert members' words literally."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amongus.core.errors import StudyError
from amongus.members.prompts import Template, load_personas, load_prompts


def test_gaps_and_lists_are_filled():
    template = Template("{question}\nMine: {own}\n{answers}\nWell?", item="{number}. {text}")
    filled = template.render(question="Why?", own="So.", answers=["A", "B"])
    assert filled == "Why?\nMine: So.\n1. A\n2. B\nWell?"


@given(st.text(), st.lists(st.text(), max_size=3))
def test_what_is_filled_in_is_never_read_as_a_template(question, answers):
    filled = Template("<{question}>{answers}", item="[{text}]").render(question=question, answers=answers)
    assert filled == f"<{question}>" + "\n".join(f"[{answer}]" for answer in answers)


def test_a_gap_that_is_not_given_is_an_error():
    with pytest.raises(KeyError):
        Template("{question} {own}").render(question="x")


def test_files_of_prompts_and_personas(tmp_path):
    (tmp_path / "p.yaml").write_text("debate:\n  refine: 'a {question}'\n  sum: {text: b, item: '* {text}'}\n")
    prompts = load_prompts(tmp_path / "p.yaml")
    assert prompts == {"debate.refine": Template("a {question}"), "debate.sum": Template("b", "* {text}")}
    (tmp_path / "q.yaml").write_text("benign: [Be kind.]\n")
    assert load_personas(tmp_path / "q.yaml") == {"benign": ["Be kind."]}
    (tmp_path / "r.yaml").write_text("- x\n")
    for load in (load_prompts, load_personas):
        with pytest.raises(StudyError, match=r"r\.yaml"):
            load(tmp_path / "r.yaml")
        with pytest.raises(StudyError, match=r"s\.yaml"):
            load(tmp_path / "s.yaml")
