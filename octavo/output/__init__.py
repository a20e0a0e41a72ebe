"""Everything that writes to ``output/``.

Staging, the manifest of what was written, the journal, recovery.
"""
