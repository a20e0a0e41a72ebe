"""A site's folder opened for work.

Its settings, cache and lock, the processes that help, and the build from files to files.
"""
