"""Everything that writes to ``output/``: staging, the manifest of what was written, the journal, recovery."""
