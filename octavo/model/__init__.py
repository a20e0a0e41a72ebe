"""The nouns of a site, all frozen, and the queries that a step may ask.

Nothing here reads or writes.
"""
