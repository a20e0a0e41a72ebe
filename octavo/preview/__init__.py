"""``serve``: the site while it is written, in the browser, with each save.

Nothing here publishes: what makes a page is in the packages below, and the preview only asks them.
"""
