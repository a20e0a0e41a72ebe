"""Which articles are related, and why: terms, vectors, scores, reasons. It knows posts by their terms only."""
