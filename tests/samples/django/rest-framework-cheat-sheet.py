"""The files of the post as a project: its own tests pass, and each row of the table of requests is true."""

from __future__ import annotations

from pathlib import Path

import django
from django.conf import settings
from mysite.rest_settings import REST_FRAMEWORK

Path("books/__init__.py").touch()
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework", "books"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    MIGRATION_MODULES={"books": None},
    REST_FRAMEWORK=REST_FRAMEWORK,
    ROOT_URLCONF="books.urls",
    ALLOWED_HOSTS=["testserver"],
)
django.setup()

from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext, get_runner

failures = get_runner(settings)(verbosity=0).run_tests(["books"])
assert not failures, f"{failures} of the post's own tests failed"

call_command("migrate", run_syncdb=True, verbosity=0)

from books.models import Author, Book
from books.permissions import IsStaffOrReadOnly
from django.contrib.auth.models import AnonymousUser, User
from rest_framework import exceptions, generics, permissions, serializers, viewsets
from rest_framework.settings import DEFAULTS
from rest_framework.test import APIClient, APIRequestFactory

austen = Author.objects.create(name="Jane Austen")
for title, year in [("Emma", 1815), ("Persuasion", 1817)]:
    Book.objects.create(author=austen, title=title, year=year)

client = APIClient()
client.force_authenticate(User.objects.create_user("ada"))


def status(method, path, data=None):
    return getattr(client, method)(path, data, format="json").status_code


new = {"title": "Sanditon", "year": 1925, "author": austen.pk}
assert status("get", "/books/") == 200
assert status("post", "/books/", new) == 201
assert status("post", "/books/", {}) == 400
assert status("get", "/books/1/") == 200
assert status("get", "/books/99/") == 404
assert status("put", "/books/1/", new) == 200
assert status("put", "/books/1/", {}) == 400
assert status("patch", "/books/1/", {"year": 1816}) == 200
assert status("patch", "/books/1/", {"year": 1}) == 400
assert status("delete", "/books/1/") == 204

assert client.get("/books/newest/").json()["title"] == "Sanditon"
assert [book["title"] for book in client.get("/books/?year=1817").json()["results"]] == ["Persuasion"]
assert client.get("/status/").json() == {"books": 2}
assert [book["title"] for book in client.get("/authors/1/").json()["books"]] == ["Persuasion", "Sanditon"]

for path in ("/books/", "/authors/"):
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(path)
    for number in range(5):
        Book.objects.create(author=Author.objects.create(name=f"{number}"), title=f"{number}", year=1900)
    with CaptureQueriesContext(connection) as many:
        client.get(path)
    assert len(few) == len(many), "one query a row"

get, post = APIRequestFactory().get("/"), APIRequestFactory().post("/")
for request in (get, post):
    request.user = AnonymousUser()
assert IsStaffOrReadOnly().has_permission(get, None)
assert not IsStaffOrReadOnly().has_permission(post, None)
assert (IsStaffOrReadOnly & ~permissions.IsAdminUser) | permissions.AllowAny

assert DEFAULTS["DEFAULT_PERMISSION_CLASSES"] == ["rest_framework.permissions.AllowAny"]
assert DEFAULTS["TEST_REQUEST_DEFAULT_FORMAT"] == "multipart"
codes = {"ValidationError": 400, "NotAuthenticated": 401, "PermissionDenied": 403, "NotFound": 404, "Throttled": 429}
for name, code in codes.items():
    assert getattr(exceptions, name).status_code == code
for name in ("PrimaryKey", "String", "Slug", "Hyperlinked"):
    assert hasattr(serializers, f"{name}RelatedField")
assert generics.ListCreateAPIView
assert generics.RetrieveUpdateDestroyAPIView
for hook in ("get_queryset", "get_serializer_class", "get_permissions", "perform_create"):
    assert hasattr(viewsets.ModelViewSet, hook)

from books.search import BookSearch
from rest_framework import authentication

search = BookSearch.as_view({"get": "list"})


def found(query):
    return [book["title"] for book in search(APIRequestFactory().get(f"/?{query}")).data["results"]]


assert found("search=austen+sand") == ["Sanditon"]
assert found("search=austen&ordering=-year") == ["Sanditon", "Persuasion"]
assert found("search=austen") == ["Persuasion", "Sanditon"]

assert [name.rpartition(".")[2] for name in DEFAULTS["DEFAULT_AUTHENTICATION_CLASSES"]] == [
    "SessionAuthentication",
    "BasicAuthentication",
]
assert authentication.TokenAuthentication.keyword == "Token"
