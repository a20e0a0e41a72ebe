"""Files in fewer bytes, for hosts that send compressed copies.

A copy lies beside its file.
"""

from __future__ import annotations

import gzip
import zlib
from importlib.util import find_spec

COMPRESSED_ENDINGS = (".html", ".css", ".js", ".json", ".xml", ".svg", ".txt", ".webmanifest")
"""What is worth it; images and fonts are compressed as they are."""


def compress_bytes(data: bytes, form: str) -> bytes:
    """The bytes as ``gz`` or ``br``.

    They are the same whenever and wherever the same library does it.
    """
    if form == "br":
        import brotli

        return bytes(brotli.compress(data, mode=brotli.MODE_TEXT, quality=11))
    return gzip.compress(data, 9, mtime=0)


def is_there(form: str) -> bool:
    """Whether the library for a form is installed."""
    return form != "br" or find_spec("brotli") is not None


def recipe(forms: tuple[str, ...]) -> str:
    """Stands for how it is done here."""
    names = {"gz": f"gz {zlib.ZLIB_RUNTIME_VERSION}"}
    if "br" in forms:
        import brotli

        names["br"] = f"br {brotli.__version__}"
    return ", ".join(names[form] for form in forms)
