"""What a reader does at the keyboard: edit the settings, run the tests, look at the page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

path = Path("mysite/settings.py")
path.write_text(path.read_text("utf-8").replace("INSTALLED_APPS = [", 'INSTALLED_APPS = [\n    "hello",'), "utf-8")

tests = subprocess.run(
    [sys.executable, "manage.py", "test"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
)
assert tests.returncode == 0, tests.stdout
for line in ("Found 2 test(s).", "System check identified no issues (0 silenced).", ".."):
    assert line in tests.stdout.splitlines(), tests.stdout

assert {item.name for item in Path("mysite").glob("*.py")} == {
    "__init__.py",
    "asgi.py",
    "settings.py",
    "urls.py",
    "wsgi.py",
}
for name in ("models.py", "views.py", "tests.py", "admin.py", "migrations"):
    assert (Path("hello") / name).exists()

os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"

import django

django.setup()

from django.conf import settings
from django.test import Client

settings.ALLOWED_HOSTS = ["testserver"]
client = Client()
assert b"<h1>Hello, World!</h1>" in client.get("/").content
assert b"<h1>Hello, Ada!</h1>" in client.get("/?name=Ada").content
assert b"&lt;script&gt;" in client.get("/?name=<script>").content
