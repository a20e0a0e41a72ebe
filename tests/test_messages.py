"""What the preview and a browser's tabs say to each other."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import get_args

import pytest

from octavo.preview import messages
from octavo.preview.messages import (
    Client,
    Clients,
    FilesMessage,
    FromBrowser,
    GoneMessage,
    HelloMessage,
    OpenRequest,
    PageMessage,
    PanelMessage,
    PanelRequest,
    ProblemsMessage,
    StateMessage,
    ToBrowser,
    decode,
    encode,
)
from octavo.preview.static_files import SCRIPTS


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (PageMessage("v1", "<p>é"), {"kind": "page", "version": "v1", "html": "<p>é"}),
        (ProblemsMessage([], 0), {"kind": "problems", "problems": [], "count": 0}),
        (StateMessage(None, {"/a/": "draft"}), {"kind": "state", "source": None, "hidden": {"/a/": "draft"}}),
        (PanelMessage({"url": "/"}), {"kind": "panel", "about": {"url": "/"}}),
        (FilesMessage(["/a.css"]), {"kind": "files", "urls": ["/a.css"]}),
        (GoneMessage(), {"kind": "gone"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_message_is_an_object_that_says_its_kind(message: ToBrowser, fields: dict[str, object]) -> None:
    assert json.loads(encode(message)) == fields


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"kind": "hello", "path": "/a/", "version": "v1"}', HelloMessage("/a/", "v1")),
        ('{"kind": "hello", "path": "/a/"}', HelloMessage("/a/", "")),
        ('{"kind": "panel", "wanted": true}', PanelRequest(True)),
        ('{"kind": "panel"}', PanelRequest(False)),
        ('{"kind": "open", "path": "posts/a.md", "line": 3, "column": 7}', OpenRequest("posts/a.md", 3, 7)),
        ('{"kind": "open", "path": "posts/a.md", "line": null, "column": 0}', OpenRequest("posts/a.md", 1, 1)),
        ('{"kind": "open", "path": "posts/a.md", "line": "3", "column": true}', OpenRequest("posts/a.md", 1, 1)),
    ],
    ids=range(7),
)
def test_what_a_browser_says_is_read(text: str, message: FromBrowser) -> None:
    assert decode(text) == message


@pytest.mark.parametrize(
    "text",
    ["{}", '{"kind": 1}', '{"kind": "page"}', '{"kind": []}', '{"kind": "hello", "path": 1}', '{"kind": "open"}'],
)
def test_what_means_nothing_here_is_passed_over(text: str) -> None:
    assert decode(text) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '"x"', "null"])
def test_what_is_no_object_is_none_of_our_scripts(text: str) -> None:
    with pytest.raises(ValueError):
        decode(text)


def test_the_script_handles_and_sends_the_same_kinds() -> None:
    script = (Path(messages.__file__).parent / SCRIPTS["preview.js"]).read_text("utf-8")
    handlers = script[script.index("const handlers = {") :]
    handlers = handlers[: handlers.index("\n  };")]
    handled = set(re.findall(r"^    (\w+)\(", handlers, re.MULTILINE))
    assert handled == {kind.kind for kind in get_args(ToBrowser)}
    sent = set(re.findall(r'send\(\{kind: "(\w+)"', script))
    assert sent == {kind.kind for kind in get_args(FromBrowser)}


def test_a_tab_is_sent_messages_in_order_and_the_end_last() -> None:
    async def talk() -> list[str | None]:
        client = Client(asyncio.get_running_loop())
        client.send(FilesMessage(["/1"]))
        await asyncio.to_thread(client.send, FilesMessage(["/2"]))
        client.end()
        return [await client.next_text() for _ in range(3)]

    first, second, end = asyncio.run(talk())
    assert (first, second, end) == (encode(FilesMessage(["/1"])), encode(FilesMessage(["/2"])), None)


def test_a_tab_counts_when_it_has_said_what_it_shows() -> None:
    async def connect() -> None:
        client, clients = Client(asyncio.get_running_loop()), Clients()
        clients.add(client)
        assert (clients.connected(), clients.introduced()) == ((client,), ())
        clients.send_all(GoneMessage())
        client.introduce("", "v1")
        assert clients.introduced() == (client,)
        clients.send_all(FilesMessage([]))
        assert await client.next_text() == encode(FilesMessage([]))
        clients.discard(client)
        assert clients.connected() == ()

    asyncio.run(connect())
