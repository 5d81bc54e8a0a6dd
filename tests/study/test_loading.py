"""Values of `--config`."""

from amongus.study.loading import typed


def test_lists_and_mappings_of_the_command_line_get_their_types():
    given = {
        "seeds": ["1", "02"],
        "engine": {"device": "cpu", "max_batch": "7", "deep": ["0.5", "x"]},
        "study": "7",
    }
    assert typed(given) == {"seeds": [1, 2], "engine": {"device": "cpu", "max_batch": 7, "deep": [0.5, "x"]}}
