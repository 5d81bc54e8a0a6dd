"""Pin a study's repositories: each `revision: unpinned` becomes its repository's current commit, in the file itself.

    PYTHONPATH=workflow/scripts python -m amongus.hub.pin config/study.yaml

The file is edited as text, so comments and layout stay.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from amongus.core.atomic import write_text
from amongus.core.errors import StudyError
from amongus.study.hub_references import DATASETS, UNPINNED, check_repo


def pin(path: Path, commit_of: Callable[[str], str]) -> dict[str, str]:
    """Write the commits into the file and return them by repository; nothing is written unless all are known.

    Args:
        path: of the study.
        commit_of: the current commit of a repository.

    Raises:
        StudyError: the file is no YAML, or a revision has no repo beside it.
    """
    try:
        text = path.read_bytes().decode("utf-8")
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise StudyError(f"{path}: cannot be read ({error}); give the study's YAML file") from None
    places = dict(_unpinned(path, tree))
    for repo in places.values():
        check_repo(str(path), repo.removeprefix(DATASETS))
    commits = {repo: commit_of(repo) for repo in dict.fromkeys(places.values())}
    # From the end, so that what is replaced does not move what is still to be.
    for (start, end), repo in sorted(places.items(), reverse=True):
        text = text[:start] + commits[repo] + text[end:]
    if places:
        write_text(path.resolve(), text)
    return commits


def _unpinned(path: Path, tree: yaml.Node | None) -> Iterator[tuple[tuple[int, int], str]]:
    """Where in the text each `unpinned` stands, and the repository that stands beside it."""
    waiting, seen = [tree] if tree else [], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:  # An alias is the node it stands for.
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
        if not isinstance(node, yaml.MappingNode):
            continue
        waiting.extend(value for _, value in node.value)
        fields = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
        revision, repo = fields.get("revision"), fields.get("repo")
        if revision is None or revision.value != UNPINNED:
            continue
        if repo is None:
            line = revision.start_mark.line + 1
            raise StudyError(
                f"{path}: line {line}: a revision without its repo beside it; write both in one place"
            )
        yield (revision.start_mark.index, revision.end_mark.index), repo.value


def main(arguments: list[str]) -> int:
    """Pin the files named by `arguments` and print what was pinned; the exit status."""
    # Only who asks the hub needs its library.
    from amongus.hub.client import current_commit, online

    try:
        for name in arguments:
            with online():
                pinned = pin(Path(name), current_commit)
            for repo, commit in pinned.items():
                print(f"{name}: {repo} {commit}")
            if not pinned:
                print(f"{name}: nothing unpinned")
    except StudyError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
