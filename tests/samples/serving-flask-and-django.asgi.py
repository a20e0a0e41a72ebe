"""The coroutine answers with two messages and refuses what is not HTTP."""

from __future__ import annotations

import asyncio


def ask(scope):
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(application(scope, None, send))
    return sent


start, body = ask({"type": "http", "path": "/here"})
assert (start["type"], start["status"]) == ("http.response.start", 200)
assert body == {"type": "http.response.body", "body": b"/here"}

try:
    ask({"type": "websocket", "path": "/"})
except ValueError as error:
    assert str(error) == "cannot serve websocket"
else:
    raise AssertionError("a WebSocket was taken for HTTP")
