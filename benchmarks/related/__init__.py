"""How good lists of related posts are, on collections whose related posts are known, and what they cost."""
