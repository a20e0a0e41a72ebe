"""From the text of one source to a Document.

Front matter, its schema and Markdown belong here. What needs more than this one text does not: it belongs to ``site``.
"""
