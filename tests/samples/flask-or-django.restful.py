"""The API lists, adds, hides what is not a field, and refuses a note without text."""

from __future__ import annotations

client = app.test_client()
assert client.get("/notes").json == [{"id": 1, "text": "Buy milk"}]

added = client.post("/notes", json={"text": "Feed the cat"})
assert added.status_code == 201
assert added.json == {"id": 2, "text": "Feed the cat"}

refused = client.post("/notes", json={})
assert refused.status_code == 400
assert "text" in refused.json["message"]
