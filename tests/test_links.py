from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.content.markdown.links import ExternalAddress, RefusedAddress, SamePageAddress, resolve
from octavo.model.documents import Ref

POST = "posts/django/subquery.md"


@pytest.mark.parametrize(
    ("address", "kind", "target", "suffix"),
    [
        ("exists.md", "post", "posts/django/exists.md", ""),
        ("./exists.md#top", "post", "posts/django/exists.md", "#top"),
        ("../flask/hello.markdown?x=1#a", "post", "posts/flask/hello.markdown", "?x=1#a"),
        ("X.MD", "post", "posts/django/X.MD", ""),
        ("caf%C3%A9%20au%20lait.md", "post", "posts/django/café au lait.md", ""),
        ("50%25.md", "post", "posts/django/50%.md", ""),
        ("cat.png", "file", "posts/django/cat.png", ""),
        ("../../posts/cat.png", None, "", ""),
        ("../cat.png", "file", "posts/cat.png", ""),
        ("a//b/./c.pdf", "file", "posts/django/a/b/c.pdf", ""),
        ("/about/", "site", "/about/", ""),
        ("/caf%C3%A9/#x", "site", "/café/", "#x"),
    ],
)
def test_addresses_of_the_site_are_references(address: str, kind: str | None, target: str, suffix: str) -> None:
    found = resolve(address, POST)
    if kind is None:
        assert isinstance(found, RefusedAddress)
    else:
        assert isinstance(found, Ref)
        assert (found.kind, found.target, found.suffix) == (kind, target, suffix)


@pytest.mark.parametrize(
    "address",
    ["https://a.example/", "HTTP://a.example", "mailto:a@b.example", "tel:+4930", "//cdn.example/x.js", "?page=2", ""],
)
def test_addresses_elsewhere_stay_as_they_are(address: str) -> None:
    assert resolve(address, POST) == ExternalAddress()


def test_a_fragment_is_within_the_page() -> None:
    assert resolve("#javascript:x", POST) == SamePageAddress("javascript:x")


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "java%09script:alert(1)",
        " javascript:alert(1)",
        "\x01javascript:alert(1)",
        "javascript%3Aalert(1)",
        "vbscript:x",
        "data:text/html,x",
        "data:image/svg+xml,x",
        "file:///etc/passwd",
        "blob:x",
        "view-source:x",
        "made-up:x",
        "C:\\x.md",
    ],
)
@pytest.mark.parametrize("use", ["link", "image"])
def test_schemes_not_known_to_be_harmless_are_refused(address: str, use: Literal["link", "image"]) -> None:
    assert isinstance(resolve(address, POST, use), RefusedAddress)


def test_pictures_without_scripts_may_be_data_in_an_image_only() -> None:
    assert resolve("data:image/png;base64,AAAA", POST, "image") == ExternalAddress()
    assert isinstance(resolve("data:image/png;base64,AAAA", POST, "link"), RefusedAddress)


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("ttp://a.example", "did you mean 'http'?"),
        ("localhost:5000/x", "write 'http://localhost:5000/x'"),
        ("../../../etc/passwd", "link to a page of the site by its address: '/about/'"),
    ],
)
def test_a_refusal_says_what_to_write(address: str, hint: str) -> None:
    found = resolve(address, POST)
    assert isinstance(found, RefusedAddress)
    assert found.hint == hint


@pytest.mark.parametrize("address", ["../../x.md", "..", "../..", "a/../../../x.png", "%2e%2e/%2e%2e/x.md", "x%00.md"])
def test_no_reference_leaves_the_posts_or_holds_a_control_character(address: str) -> None:
    found = resolve(address, POST)
    assert isinstance(found, RefusedAddress) or (isinstance(found, Ref) and found.target.startswith("posts"))
    if address not in ("..",):
        assert isinstance(found, RefusedAddress)


@given(st.text(st.sampled_from("./%2efx#?ab:\\ "), max_size=20))
def test_every_file_that_is_referred_to_is_below_posts(address: str) -> None:
    found = resolve(address, POST)
    if isinstance(found, Ref) and found.kind != "site":
        assert found.target.split("/")[0] == "posts"
        assert ".." not in found.target.split("/")
