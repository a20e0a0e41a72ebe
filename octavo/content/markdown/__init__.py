"""From a Markdown body to HTML and to all that the site asks of it.

The dialect, its parser and renderer, raw HTML and highlighting belong here; front matter does not.
"""
