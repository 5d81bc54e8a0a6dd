"""Who may write a store on a file system that others share: its owner alone, or the members of one group.

Answers go from a store into results unasked, so what somebody else could have written is refused.
"""

import grp
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from amongus.core.errors import StudyError

_VARIABLE = "AMONGUS_STORE_GROUP"


def share_store(group: str | None) -> None:
    """Tell all jobs that are started from here which group shares the store, if one does.

    By the environment: it decides no output, so no rule may depend on it.
    """
    os.environ.pop(_VARIABLE, None)
    if group:
        os.environ[_VARIABLE] = group


def shared_with() -> str | None:
    """The group that `share_store` has named."""
    return os.environ.get(_VARIABLE)


@dataclass(frozen=True)
class Access:
    """The rights of a store's files. `gid` is the group that shares it; None: nobody does."""

    gid: int | None = None

    @classmethod
    def of(cls, group: str | None) -> "Access":
        """The rights of a store shared by `group` (a name, or a number), or by nobody.

        Raises:
            StudyError: there is no such group, or this process is not in it.
        """
        if not group:
            return cls()
        try:
            gid = int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
        except KeyError:
            raise StudyError(
                f"store_group: there is no group '{group}' on this machine; name another"
            ) from None
        if os.geteuid() and gid not in (os.getegid(), *os.getgroups()):
            raise StudyError(f"store_group: you are not in the group '{group}'; join it or name another")
        return cls(gid)

    def refuse(self, path: Path, status: os.stat_result) -> None:
        """Refuse a file or folder that somebody else could have written.

        Raises:
            StudyError: in one line, with the mend.
        """
        shared = self.gid is not None and status.st_gid == self.gid
        if status.st_uid != os.getuid() and not shared:
            raise StudyError(
                f"{path}: belongs to user {status.st_uid}, refused; use a store of your own, delete it, or name "
                "the group you share it with (store_group)"
            )
        writers = stat.S_IWOTH if shared else stat.S_IWGRP | stat.S_IWOTH
        if status.st_mode & writers:
            mend = "o-w" if shared else "go-w"
            raise StudyError(
                f"{path}: may be written by others, refused; if you trust it, chmod {mend} {path}"
            )

    def make_folder(self, folder: Path) -> None:
        """Make `folder`, with its rights from the first moment; one that is there stays as it is."""
        if folder.is_dir():
            return
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = tempfile.mkdtemp(prefix=".", dir=folder.parent)  # Mode 0700.
        try:
            if self.gid is not None:
                os.chown(made, -1, self.gid)
                # What is made in it belongs to the group as well.
                os.chmod(made, 0o2770)
            os.rename(made, folder)
        except OSError:
            os.rmdir(made)
            if not folder.is_dir():
                raise

    def give(self, handle: int) -> None:
        """Let the group, if there is one, read the file behind a descriptor. Nobody ever writes to it again."""
        if self.gid is not None:
            os.fchown(handle, -1, self.gid)
            os.fchmod(handle, 0o640)
