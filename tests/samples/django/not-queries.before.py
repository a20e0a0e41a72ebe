"""The first lines of the file in the Subquery post: Django configured with a database in memory."""

from __future__ import annotations

import django
from django.apps import AppConfig
from django.conf import settings


class Library(AppConfig):
    name = __name__
    label = "library"


settings.configure(
    INSTALLED_APPS=[f"{__name__}.Library"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
django.setup()

from django.db import connection, models
