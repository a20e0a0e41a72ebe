"""The incremental build: queries and facts, steps, traces of what they asked, and the cache that keeps them."""
