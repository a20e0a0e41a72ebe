"""From the text of one source to a Document: front matter, its schema, Markdown."""
