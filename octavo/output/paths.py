"""Paths of published files, relative to the output folder.

They are POSIX strings (``posts/a/index.html``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from hashlib import blake2b

from octavo.base.file_stat import CONTENT_DIGEST_BYTES
from octavo.base.names import LONGEST_NAME
from octavo.output.publish_errors import PublishError

HIDDEN = ".octavo-"
"""What the names of Octavo's own files and folders in the output folder begin with."""

_is_usual = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*").fullmatch
"""Paths of which nothing needs to be asked but their length, as nearly all are."""

_UNSEEN = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
"""Characters that HFS+ leaves out when it compares names."""


def check_path(path: str) -> None:
    """Raise PublishError for a path that may not be published.

    It is no path below an output folder, or leads into a repository of git. Every path that is written, removed or
    believed goes through here, whoever names it.
    """
    if _is_usual(path) and len(path) <= LONGEST_NAME:
        return
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts) or path.casefold().startswith(HIDDEN):
        raise PublishError("not a path that can be published", path)
    if any(map(is_git, parts)):
        raise PublishError("nothing is published into a folder .git", path)
    if any(len(part.encode("utf-8", "surrogatepass")) > LONGEST_NAME for part in parts):
        raise PublishError(f"the name is longer than {LONGEST_NAME} bytes", path)
    if os.name == "nt" and any("\\" in part or ":" in part for part in parts):
        raise PublishError("not a path that can be published on Windows", path)


def is_path(path: str) -> bool:
    """Whether ``check_path`` has nothing against a path, and it is text."""
    if _is_usual(path) and len(path) <= LONGEST_NAME:  # as there: this is asked of every row of a manifest
        return True
    try:
        check_path(path)
        if not path.isascii():
            path.encode()
    except (PublishError, UnicodeError):
        return False
    return True


def is_git(name: str) -> bool:
    """Whether some file system takes a name for ``.git``.

    That is in any case of letters, with what Windows and HFS+ leave out, or short as Windows makes it.
    """
    return _UNSEEN.sub("", name).partition(":")[0].casefold().rstrip(" .") in (".git", "git~1")


def folders_of(path: str) -> Iterator[str]:
    """The folders above a path, the nearest first."""
    while path := path.rpartition("/")[0]:
        yield path


def digest_of_path(path: str) -> str:
    """A name for a path that does not tell it."""
    return blake2b(path.encode("utf-8", "surrogatepass"), digest_size=CONTENT_DIGEST_BYTES).hexdigest()
