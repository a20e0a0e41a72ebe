"""The second call is answered by the cache, and the settings are what the post says they are."""

from __future__ import annotations

import inspect

from django.conf import global_settings
from django.db.models import QuerySet

assert price_list() == price_list() == {"bread": 3}
assert computed == ["once"]

assert global_settings.CACHES["default"]["BACKEND"] == "django.core.cache.backends.locmem.LocMemCache"
assert global_settings.SECURE_PROXY_SSL_HEADER is None

from django.db import connections

assert connections.configure_settings({"default": {}})["default"]["CONN_MAX_AGE"] == 0
for name in ("aget", "acreate"):
    assert inspect.iscoroutinefunction(getattr(QuerySet, name))
if django.VERSION >= (6, 0):
    from django.tasks import backends
    from django.tasks.backends import dummy, immediate
