"""Hello World answers, and startproject makes as much as the article says."""

from __future__ import annotations

import os
from pathlib import Path

os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"

import django

django.setup()

from django.conf import settings
from django.test import Client

settings.ALLOWED_HOSTS = ["testserver"]
answer = Client().get("/")
assert answer.status_code == 200
assert answer.content == b"Hello, World!"

assert {path.name for path in Path().rglob("*.py")} - {"views.py"} == {
    "manage.py",
    "__init__.py",
    "asgi.py",
    "settings.py",
    "urls.py",
    "wsgi.py",
}
assert len(settings.INSTALLED_APPS) == 6
