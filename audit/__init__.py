"""What readers, browsers, validators and search engines make of the default theme: ``make audit``.

Two sites are built and held against the limits of ``limits.py``: the example site, and a made-up one whose article has
all that Markdown can do (``torture/``, with the images of ``pictures.py``). Tools come from npm and Debian into
``.audit/``, and nothing of this is a part of the package.
"""

from __future__ import annotations
