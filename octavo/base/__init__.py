"""What every package may use and what knows nothing of sites.

Digests, diagnostics, text, URLs, files.
"""
