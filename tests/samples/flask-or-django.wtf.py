"""The form is accepted with its token and refused without."""

from __future__ import annotations

import re

client = app.test_client()
page = client.get("/").text
token = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', page)[1]

assert client.post("/", data={"name": "ada", "csrf_token": token}).text == "Hello, Ada!"
assert "<form" in client.post("/", data={"name": "ada"}).text
assert "<form" in client.post("/", data={"name": "a" * 41, "csrf_token": token}).text
