"""From a page to HTML: Jinja2 as Octavo uses it, what layouts may see, the content security policy."""
