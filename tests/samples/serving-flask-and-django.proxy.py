"""One proxy is believed and a second one, which could be forged, is not."""

from __future__ import annotations

client = app.test_client()
forwarded = {
    "X-Forwarded-For": "6.6.6.6, 203.0.113.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "site.example",
}
assert client.get("/whoami", headers=forwarded).json == {
    "address": "203.0.113.7",
    "url": "https://site.example/whoami",
}
