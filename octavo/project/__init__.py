"""A site's folder opened for work: settings, cache, lock, processes, and the build from files to files."""
