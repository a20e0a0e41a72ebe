from __future__ import annotations

import gzip
import sys
from collections.abc import Callable

import pytest

from octavo.output.compress import compress_bytes, recipe
from tests.sites import SiteFolder, places, post

MakeSite = Callable[[str], SiteFolder]
SETTINGS = '[tool.octavo]\nbase_url = "https://t.example"\ncompress = ["gz"]\n'


@pytest.mark.parametrize("form", ["gz", "br"])
def test_a_copy_is_the_file_and_always_the_same(form: str) -> None:
    if form == "br":
        pytest.importorskip("brotli")
    data = b"words and words " * 100
    copy = compress_bytes(data, form)
    assert len(copy) < len(data) / 10
    assert copy == compress_bytes(data, form)
    assert recipe((form,)).startswith(form)
    if form == "gz":
        assert gzip.decompress(copy) == data
    else:
        import brotli

        assert brotli.decompress(copy) == data


def test_text_has_copies_on_request(site: MakeSite) -> None:
    folder = site("-- posts/a.md --\n" + post()).write("assets/picture.webp", b"x" * 2000)
    folder.built()
    assert not [path for path in folder.output() if path.endswith(".gz")]
    folder.write("pyproject.toml", SETTINGS).built()
    output = folder.output()
    for path in ("index.html", "posts/a/index.html", "feed.xml", "favicon.svg"):
        assert gzip.decompress(output[path + ".gz"]) == output[path]
    assert not [path for path in output if path.endswith(".webp.gz")]
    folder.write("pyproject.toml", SETTINGS.replace('["gz"]', "[]")).built()
    assert not [path for path in folder.output() if path.endswith(".gz")]


def test_the_copy_of_a_page_that_stays_is_not_written_again(site: MakeSite) -> None:
    folder = site("-- posts/a.md --\n" + post()).write("pyproject.toml", SETTINGS)
    folder.built()
    report = folder.replace("posts/a.md", "Words", "Other words").built()
    assert "posts/a/index.html.gz" in report.written
    assert "archive/index.html.gz" not in report.written
    output = folder.output()
    assert gzip.decompress(output["posts/a/index.html.gz"]) == output["posts/a/index.html"]
    (folder.root / "output/archive/index.html.gz").unlink()
    folder.built()
    assert folder.output() == output


def test_another_way_of_doing_it_makes_all_copies_again(site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    from octavo.output import compress

    folder = site("-- posts/a.md --\n" + post()).write("pyproject.toml", SETTINGS)
    folder.built()
    monkeypatch.setattr(compress, "compress_bytes", lambda data, form: gzip.compress(data, 1, mtime=0))
    monkeypatch.setattr(compress, "recipe", lambda forms: "gz 1")
    folder.replace("posts/a.md", "Words", "Other words").built()
    output = folder.output()
    assert output["404.html.gz"] == gzip.compress(output["404.html"], 1, mtime=0)


def test_a_library_that_is_not_there_is_said(site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "brotli", None)
    monkeypatch.setattr("octavo.site.problems.is_there", lambda form: form != "br")
    folder = site("-- posts/a.md --\n" + post()).write("pyproject.toml", SETTINGS.replace('"gz"', '"gz", "br"'))
    report = folder.build()
    assert report.failed
    assert places(report.problems) == ["pyproject.toml: compress"]
