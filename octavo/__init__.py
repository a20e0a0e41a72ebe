"""Octavo: a static site generator for articles and the posts related to them.

The layers, lowest first; a module imports from lower layers only, and within a layer only where "together" is said.
``tests/test_layers.py`` reads this table and holds the imports against it.

    0 values    together  digest diagnostic slug
    1 engine    together  facts store memo
    2 model     together  model queries
    3 reading   together  source frontmatter schema highlight terms markdown
    4 steps     apart     parse related render
    5 assembly  together  site checks extend pipeline
    6 shell     apart     config disk publish watch serve
    7 command   together  project cli __main__ __init__
"""

from __future__ import annotations
