"""Values by item that know since which build each of them is what it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from octavo.digest import Digest


@dataclass(frozen=True, slots=True)
class Revisions:
    """The digests of values by item, of those that are gone too: None. ``key`` stands for what they follow from.

    ``changed`` has the revisions of those that were made after ``first``, the revision of all the others.
    """

    key: Digest
    digests: Mapping[str, Digest | None]
    first: int
    changed: Mapping[str, int]

    def since(self, revision: int) -> Iterable[str]:
        """The items whose value was made, or went, after a revision."""
        if self.first > revision:
            return self.digests
        return [item for item, changed in self.changed.items() if changed > revision]


def revised(before: Revisions | None, key: Digest, digests: Mapping[str, Digest], revision: int) -> Revisions:
    """The values as they are now, at a revision, after those of ``before``."""
    if before is None:
        return Revisions(key, digests, revision, {})
    now: dict[str, Digest | None] = {**dict.fromkeys(before.digests), **digests}
    others = (item for item, value in now.items() if value != before.digests.get(item))
    return Revisions(key, now, before.first, {**before.changed, **dict.fromkeys(others, revision)})
