"""The first form of the view answers, and a view that returns a plain string raises."""

from __future__ import annotations

import django
from django.conf import settings
from django.test import Client
from django.urls import path
from hello.views import hello

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["testserver"])
django.setup()
urlpatterns = [path("", hello), path("string/", lambda request: "Hello, World!")]

answer = Client().get("/")
assert answer.status_code == 200
assert answer.content == b"Hello, World!"

try:
    Client().get("/string/")
except AttributeError:
    pass
else:
    raise AssertionError("a view may return a plain string")
