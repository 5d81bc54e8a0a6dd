"""Pin a study's repositories: each `revision: unpinned` becomes its repository's current commit, in the file itself.

    PYTHONPATH=workflow/scripts python -m amongus.hub.pin config/study.yaml

The file is edited as text, so comments and layout stay.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from amongus.core.atomic import write_text
from amongus.core.download import allow_hub
from amongus.core.errors import StudyError, run_command
from amongus.study.hub_references import DATASETS, UNPINNED, check_repo


def pin(path: Path, commit_of: Callable[[str], str]) -> dict[str, str]:
    """Write the commits into the file and return them by repository; nothing is written unless all are known.

    Args:
        path: of the study.
        commit_of: the current commit of a repository.

    Raises:
        StudyError: the file is not YAML, or a revision has no repo beside it.
    """
    try:
        text = path.read_bytes().decode("utf-8")
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise StudyError(f"{path}: cannot be read ({error}); give the study's YAML file") from None
    places: dict[tuple[int, int], str] = {}
    for mapping in _mappings(tree):
        fields = {key.value: value for key, value in mapping.value if isinstance(key, yaml.ScalarNode)}
        revision = fields.get("revision")
        if revision is None or revision.value != UNPINNED:
            continue
        where = f"{path}: line {revision.start_mark.line + 1}"
        if "repo" not in fields:
            raise StudyError(f"{where}: a revision without its repo beside it; write both in one place")
        repo = fields["repo"].value
        try:
            check_repo(str(repo).removeprefix(DATASETS))
        except ValueError as error:
            raise StudyError(f"{where}: repo {repo!r} {error}") from None
        places[revision.start_mark.index, revision.end_mark.index] = repo
    commits = {repo: commit_of(repo) for repo in dict.fromkeys(places.values())}
    # From the end, so that no replacement moves the places of those still to come.
    for (start, end), repo in sorted(places.items(), reverse=True):
        text = text[:start] + commits[repo] + text[end:]
    if places:
        write_text(path.resolve(), text)
    return commits


def _mappings(tree: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    """A node and all below it, as far as they are mappings, once: an alias is the very node of its anchor."""
    waiting, seen = [tree], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen or not isinstance(node, yaml.CollectionNode):
            continue
        seen.add(id(node))
        waiting += [entry[1] if isinstance(entry, tuple) else entry for entry in node.value]
        if isinstance(node, yaml.MappingNode):
            yield node


def main() -> int:
    """Pin the files named on the command line and print what was pinned."""
    allow_hub()
    from amongus.hub.download import current_commit

    for name in sys.argv[1:]:
        pinned = pin(Path(name), current_commit)
        lines = [f"{repo} {commit}" for repo, commit in pinned.items()] or ["nothing unpinned"]
        print("\n".join(f"{name}: {line}" for line in lines))
    return 0


if __name__ == "__main__":
    run_command(main)
