"""Text as one segment of a URL."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from hashlib import blake2b

LONGEST = 200
"""Bytes of UTF-8 in a slug: below the 255 that file systems allow, with room for an extension."""

_NAMED = (("c++", "c-plus-plus"), ("c#", "c-sharp"), ("f#", "f-sharp"))


@lru_cache(4096)
def slugify(text: str) -> str:
    """Letters and digits of any script, case-folded (NFC), everything else as single hyphens; never empty.

    ``C++`` and ``C#`` keep their names; what has no letter or digit becomes a short digest of itself.
    """
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    for name, spelled in _NAMED:
        if name in folded:
            folded = re.sub(rf"(?<!\w){re.escape(name)}(?![\w+#])", f" {spelled} ", folded)
    kept = "".join(c if c.isalnum() or unicodedata.category(c).startswith("M") else "-" for c in folded)
    slug = _shortened(re.sub(r"-+", "-", kept).strip("-"))
    return slug or "x-" + blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def _shortened(slug: str) -> str:
    """At most LONGEST bytes. What is cut ends in a digest of the whole, so two long names stay two."""
    data = slug.encode("utf-8", "surrogatepass")
    if len(data) <= LONGEST:
        return slug
    tail = "-" + blake2b(data, digest_size=4).hexdigest()
    return data[: LONGEST - len(tail)].decode("utf-8", "ignore").rstrip("-") + tail
