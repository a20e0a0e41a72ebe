"""From documents to a site.

Here is what is published, at which addresses, with which pages, checks and assets.
"""
