"""Images that were made, kept by what they are made from.

There is a file of the cache for each order, under its name. A new version of Octavo begins its memo anew, but what
takes hours to encode is made again only when the encoder is another one: its ``recipe`` names the folder, in the folder
``images`` of the cache.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from octavo.base.digest import Digest
from octavo.base.regular_file import open_regular
from octavo.base.shortage import raise_if_shortage
from octavo.engine.facts import Fact, Query, Resolver
from octavo.images.variants import read_heading, unpack_variants
from octavo.model.queries import OrderedBytes

_SPARE = 200
"""Orders that nobody wants any more and that are kept all the same, for whoever changes their mind."""


_HEADING = 1 << 20
"""Bytes of the line that says what a file holds, at the most."""


class Readable(Protocol):
    """A file of the site. Picklable."""

    def fact(self) -> Fact: ...


@dataclass(frozen=True)
class OrderedFiles:
    """The files of ordered images by the name of the order.

    Each process reads them by itself: they are large.
    """

    files: Mapping[str, Readable]

    def resolvers(self) -> Mapping[type[Query[Any]], Resolver]:
        """What answers ``OrderedBytes``."""
        return {OrderedBytes: lambda query: self.files[query.name].fact()}

    def portable(self) -> OrderedFiles:
        """The same for another process."""
        return self


@dataclass(frozen=True)
class EncodedImages:
    """The images that were made by one recipe."""

    folder: Path

    def write(self, name: str, data: bytes, /) -> None:
        """Keep the variants of an order, packed.

        They are as ``variants.pack_variants`` puts them together; where there are none, nothing is kept.
        """
        if not data:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        # Two processes may make one order at once: each writes a file of its own, and the last to be renamed stays.
        # None is synced: what a power cut leaves in part is not as its first line says, and is made again.
        passing = self.folder / f".{name}.{os.getpid()}"
        passing.unlink(missing_ok=True)
        with os.fdopen(open_regular(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
            file.write(data)
        passing.replace(self.folder / name)

    def digests(self, name: str) -> dict[str, Digest] | None:
        """URL -> digest of each variant that is kept.

        None where the order is not.
        """
        try:
            with os.fdopen(open_regular(self.folder / name, os.O_RDONLY), "rb") as file:
                return {url: digest for url, digest, _ in read_heading(file.readline(_HEADING))}
        except (OSError, ValueError) as problem:
            raise_if_shortage(problem)
            return None

    def variants(self, name: str) -> dict[str, bytes]:
        """URL -> bytes of each variant of an order that is kept.

        A damaged one is dropped, and raises KeyError.
        """
        try:
            with os.fdopen(open_regular(self.folder / name, os.O_RDONLY), "rb") as file:
                line = file.readline(_HEADING)
                size = len(line) + sum(size for *_, size in read_heading(line))
                if os.fstat(file.fileno()).st_size != size:
                    raise ValueError("the file is cut short, or longer than what it holds")
                return unpack_variants(line + file.read())
        except (OSError, ValueError) as problem:
            raise_if_shortage(problem)
            _delete(self.folder / name)
            raise KeyError(name) from problem

    def prune(self, names: Collection[str]) -> None:
        """Drop what other recipes made, and what nobody asks for any more.

        ``names`` are those of the orders that a site has. The others go when they are most of what is kept.
        """
        for folder in self.folder.parent.iterdir() if self.folder.parent.is_dir() else ():
            if folder != self.folder:
                shutil.rmtree(folder, ignore_errors=True)
        stored = {path.name for path in self.folder.iterdir()} if self.folder.is_dir() else set()
        spare = stored.difference(names)
        if len(spare) > max(_SPARE, len(names)):
            for name in spare:
                with suppress(OSError):
                    (self.folder / name).unlink()


def _delete(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
