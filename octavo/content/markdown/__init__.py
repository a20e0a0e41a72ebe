"""From a Markdown body to HTML and to all that the site asks of it."""
