"""build.py: what it declares, its source, and its functions."""
