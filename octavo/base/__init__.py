"""What every other package may use and what knows nothing of sites: digests, diagnostics, text, URLs, files."""
