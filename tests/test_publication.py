"""What is published is decided again only where an edit may change that; and is then what it would be from nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from octavo.site import publication
from octavo.site.build_posts import build_posts
from tests.sites import BASE, SiteFolder, post

MakeSite = Callable[[str], SiteFolder]


@pytest.fixture
def three(site: MakeSite) -> SiteFolder:
    folder = site("").write("pyproject.toml", BASE)
    folder.write("posts/a.md", post("First", "2026-01-01", tags="[one]", aliases="[/old/]"))
    folder.write("posts/b.md", post("Second", "2026-02-01", tags="[One, two]", updated="2026-02-03"))
    folder.write("posts/c.md", post("Third", "2026-03-01", draft="true"))
    folder.built()
    return folder


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many sources were looked at, each time that it was decided what is published."""
    found: list[int] = []

    def counted(metas: Any, *others: Any) -> Any:
        found.append(len(metas))
        return build_posts(metas, *others)

    monkeypatch.setattr(publication, "build_posts", counted)
    return found


def clean(folder: SiteFolder, tmp_path: Path) -> dict[str, bytes]:
    """What a build of the same sources from nothing publishes."""
    other = SiteFolder(tmp_path / "clean" / folder.root.name)
    for path in ("pyproject.toml", *(f"posts/{file.name}" for file in (folder.root / "posts").iterdir())):
        other.write(path, (folder.root / path).read_bytes())
    other.built()
    return other.output()


@pytest.mark.parametrize(
    "name, old, new",
    [
        ("a", "First", "A first"),
        ("a", "Words.", "Other words."),
        ("b", "updated: 2026-02-03", "updated: 2026-02-04"),
        ("b", "date: 2026-02-01", "date: 2026-02-01\ndescription: Words"),
        ("c", "Third", "A third"),
    ],
)
def test_what_a_post_says_of_itself_decides_nothing(
    three: SiteFolder, decided: list[int], tmp_path: Path, name: str, old: str, new: str
) -> None:
    three.replace(f"posts/{name}.md", old, new).built()
    assert decided == []
    assert three.output() == clean(three, tmp_path)


@pytest.mark.parametrize(
    "name, old, new",
    [
        ("a", "date: 2026-01-01", "date: 2026-05-01"),
        ("a", "[one]", "[one, new]"),
        ("a", "[/old/]", "[/older/]"),
        ("b", "date:", "slug: other\ndate:"),
        ("b", "date:", "layout: page\ndate:"),
        ("b", "Words.", "See [the first](a.md)."),
        ("c", "draft: true", "draft: false"),
    ],
)
def test_what_may_move_a_post_is_decided_anew(
    three: SiteFolder, decided: list[int], tmp_path: Path, name: str, old: str, new: str
) -> None:
    three.replace(f"posts/{name}.md", old, new).built()
    assert decided == [3]
    assert three.output() == clean(three, tmp_path)


def test_what_was_read_for_a_publication_that_was_not_kept_is_no_ground(
    three: SiteFolder, decided: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:

        def dies(*_: Any) -> None:
            raise KeyboardInterrupt

        patched.setattr(publication.CachedPublication, "_keep", dies)
        with pytest.raises(KeyboardInterrupt):
            three.replace("posts/a.md", "date: 2026-01-01", "date: 2026-05-01").build()
    decided.clear()
    three.replace("posts/a.md", "First", "A first").built()
    assert decided == [3]
    assert three.output() == clean(three, tmp_path)
