"""The generators that are measured, in the order of the tables."""

from __future__ import annotations

from benchmarks.peer import Peer
from benchmarks.peers import eleventy, floor, hugo, mkdocs_material, nikola, octavo, pelican, zensical

PEERS: dict[str, Peer] = {
    each.PEER.name: each.PEER for each in (octavo, floor, hugo, pelican, eleventy, mkdocs_material, nikola, zensical)
}
