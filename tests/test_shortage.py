"""What fails for want of memory, files or disk ends the run, and nothing is made of it."""

from __future__ import annotations

import builtins
import errno
import io
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from octavo.base import shortage
from octavo.base.shortage import WANTS, Shortage, check_part, check_room, raise_if_shortage, shortage_in
from octavo.cli import main
from octavo.engine.facts import Facts, Interrupted, Reader
from octavo.images.encoded_cache import EncodedImages
from octavo.images.variants import pack_variants
from octavo.model.queries import File
from tests.sites import SiteFolder, post
from tests.test_steps import jpeg

MakeSite = Callable[[str], SiteFolder]

CHECKOUT = Path(__file__).parent.parent


def following(problem: BaseException, *, because: BaseException) -> BaseException:
    """A problem that a library raised for another one."""
    try:
        try:
            raise because
        except BaseException as first:
            raise problem from first
    except BaseException as caught:
        return caught


def amid(problem: BaseException, *, of: BaseException) -> BaseException:
    try:
        try:
            raise of
        except BaseException:
            raise problem  # noqa: B904
    except BaseException as caught:
        return caught


UNMAPPED = "libx.so.1: failed to map segment from shared object"


@pytest.mark.parametrize(
    "problem",
    [
        MemoryError(),
        *(OSError(number, os.strerror(number)) for number in WANTS),
        ImportError(UNMAPPED),
        ImportError("libx.so.1: cannot open shared object file: Too many open files"),
        RuntimeError("can't start new thread"),
        following(ValueError("cannot decode"), because=MemoryError()),
        following(ImportError("\n\nREAD THIS"), because=ImportError(UNMAPPED)),
        amid(OSError("broken data stream"), of=OSError(errno.ENOMEM, "no")),
        following(KeyError("x"), because=amid(TypeError(), of=Shortage("there is not enough memory"))),
    ],
    ids=repr,
)
def test_a_problem_of_want_is_told_in_a_line(problem: BaseException) -> None:
    words = shortage_in(problem)
    assert words
    assert "\n" not in words
    with pytest.raises(Shortage) as raised:
        raise_if_shortage(problem, "making a page")
    assert str(raised.value) == f"{words} (making a page)"


@pytest.mark.parametrize(
    "problem",
    [
        OSError("broken data stream when reading image file"),
        PermissionError(errno.EACCES, "denied"),
        OSError(errno.EIO, "broken"),
        ModuleNotFoundError("No module named 'x'"),
        ImportError("cannot import name 'x' from 'y'"),
        RecursionError("maximum recursion depth exceeded"),
        RuntimeError("cannot schedule new futures after shutdown"),
        following(ValueError("one"), because=KeyError("two")),
    ],
    ids=repr,
)
def test_any_other_problem_is_left_to_who_has_it(problem: BaseException) -> None:
    assert shortage_in(problem) == ""
    raise_if_shortage(problem, room=1000)


def test_the_first_cause_of_a_chain_has_the_words() -> None:
    assert UNMAPPED in shortage_in(following(ImportError("\n\nREAD THIS"), because=ImportError(UNMAPPED)))
    inner = OSError(errno.EMFILE, "Too many open files", "a.jpg")
    assert shortage_in(following(OSError(errno.ENOMEM, "no"), because=inner)) == "Too many open files: a.jpg"


def test_a_library_is_believed_only_where_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    raise_if_shortage(OSError("broken data stream"), room=1 << 20)
    check_room(1 << 20, "x")
    monkeypatch.setattr(shortage, "_has_room", lambda size: False)
    with pytest.raises(Shortage, match="not enough memory"):
        raise_if_shortage(OSError("broken data stream"), room=1 << 20)
    with pytest.raises(Shortage, match="not enough memory"):
        check_room(1 << 20, "x")
    raise_if_shortage(OSError("broken data stream"))


def test_there_is_no_room_for_more_than_an_address_can_name() -> None:
    with pytest.raises(Shortage):
        check_room(1 << 60, "x")


def test_a_part_that_is_not_there_is_no_shortage_and_one_that_cannot_be_loaded_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check_part("PIL._nothing")

    def unmapped(name: str) -> None:
        raise ImportError(UNMAPPED)

    monkeypatch.setattr(shortage, "import_module", unmapped)
    with pytest.raises(Shortage, match="failed to map"):
        check_part("PIL._webp")


def test_a_shortage_comes_back_from_another_process() -> None:
    assert str(pickle.loads(pickle.dumps(Shortage("there is not enough memory")))) == "there is not enough memory"


def test_what_is_asked_for_and_cannot_be_had_is_nothing_that_a_function_of_build_py_can_catch() -> None:
    def resolve(query: File) -> Any:
        raise OSError(errno.EMFILE, "Too many open files", query.path)

    with pytest.raises(Interrupted) as raised:
        Reader(Facts({File: resolve}))(File("data.txt"))
    assert isinstance(raised.value.problem, Shortage)


# Each place where an exception becomes a value, a problem or an absence.

SCRIPT = """\
import os
from octavo import File, Page, Site
site = Site(__file__)

def want(where):
    if os.environ.get("WANT") == where:
        raise MemoryError

want("build.py")

@site.filter
def shout(text):
    want("filter")
    return text.upper()

@site.shortcode
def box(args, body):
    want("shortcode")
    return "<p>box</p>"

@site.markdown
def marks(md):
    md.core.ruler.push("wants", lambda state: want("markdown"))

@site.data
def numbers(ask):
    want("data")
    try:
        return (ask(File("numbers.txt")) or b"").decode()
    except Exception:
        return "none"

@site.pages
def own(ask):
    want("pages")
    return [Page("/own/", "own.html", "custom")]

@site.check
def well(ask):
    want("check")
    return []
"""


@pytest.fixture
def rich(site: MakeSite) -> SiteFolder:
    """A site with an image, a card, code, and all that build.py can add; nothing is built."""
    folder = site(
        "-- posts/a.md --\n"
        + post("A", body="![An image](a.jpg)\n\n```python\nprint(1)\n```\n\n::: box\nx\n:::\n")
        + "-- posts/b.md --\n"
        + post("B")
        + "-- layouts/own.html --\n<p>{{ 'own' | shout }}</p>\n"
        + "-- numbers.txt --\n1 2 3\n"
        + "-- build.py --\n"
        + SCRIPT
    )
    folder.replace("pyproject.toml", "[tool.octavo]\n", "[tool.octavo]\nimages.cards = true\n")
    return folder.write("posts/a.jpg", jpeg())


def no_memory(*_: object, **__: object) -> Any:
    raise MemoryError


def out_of_memory(*_: object, **__: object) -> Any:
    raise OSError(errno.ENOMEM, "Cannot allocate memory")


def no_library(*_: object, **__: object) -> Any:
    raise ImportError(UNMAPPED)


def wrapped(*_: object, **__: object) -> Any:
    try:
        raise MemoryError
    except MemoryError as problem:
        raise ValueError("it cannot be decoded") from problem


def unopened(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    """No file whose name ends so can be opened."""
    real = builtins.open

    def opening(file: Any, *arguments: Any, **options: Any) -> Any:
        if str(file).endswith(end):
            raise OSError(errno.EMFILE, "Too many open files", str(file))
        return real(file, *arguments, **options)

    monkeypatch.setattr(builtins, "open", opening)
    monkeypatch.setattr(io, "open", opening)


def unlisted(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def listing(path: Any = ".") -> Any:
        if str(path).endswith("/posts"):
            raise OSError(errno.EMFILE, "Too many open files", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", listing)


def wanting(where: str) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda monkeypatch: monkeypatch.setenv("WANT", where)


def replaced(name: str, by: Callable[..., Any]) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda monkeypatch: monkeypatch.setattr(name, by)


PLACES: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "measure": replaced("PIL.Image.open", no_memory),
    "measure, a library": replaced("PIL.Image.open", no_library),
    "measure, wrapped": replaced("PIL.Image.open", wrapped),
    "decode": replaced("PIL.Image.Image.resize", out_of_memory),
    "decode, wrapped": replaced("PIL.Image.Image.resize", wrapped),
    "encode": replaced("PIL.Image.Image.save", wrapped),
    "draw": replaced("PIL.ImageFont.truetype", out_of_memory),
    "the characters of the font": replaced("octavo.images.draw_card.ranges_of", out_of_memory),
    "highlight": replaced("octavo.content.markdown.fast_lexers._LexerState.__missing__", no_memory),
    "sources": replaced("octavo.content.parse.front_matter.read", no_memory),
    "layouts": replaced("octavo.templates.environment.write_pieces", no_memory),
    "what all pages share": replaced("octavo.templates.environment._alone", no_memory),
    "a folder": unlisted,
    "a source": lambda monkeypatch: unopened(monkeypatch, "posts/b.md"),
    "a module": lambda monkeypatch: unopened(monkeypatch, "build.py"),
    "the settings": lambda monkeypatch: unopened(monkeypatch, "pyproject.toml"),
    "a file that build.py asks for": lambda monkeypatch: unopened(monkeypatch, "numbers.txt"),
    **{
        f"build.py, {where}": wanting(where)
        for where in ("build.py", "filter", "shortcode", "markdown", "data", "pages", "check")
    },
}


@pytest.mark.parametrize("place", PLACES)
def test_what_fails_for_want_ends_the_run_and_nothing_of_it_is_kept(
    place: str, rich: SiteFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clean = SiteFolder(shutil.copytree(rich.root, tmp_path / "clean" / "site"))
    command = ["-C", str(rich.root), "build", "--jobs", "1"]
    _forget_what_is_kept()
    with monkeypatch.context() as limited:
        PLACES[place](limited)
        status = main.main(command)
    told = capsys.readouterr()
    assert (status, told.out, len(told.err.splitlines())) == (1, "", 1), told.err
    assert told.err.startswith("octavo: ")
    assert rich.output() == {}
    _forget_what_is_kept()
    after, wished = rich.built(), clean.built()
    assert rich.output() == clean.output()
    assert after.problems == wished.problems


def _forget_what_is_kept() -> None:
    """What a process keeps: build.py, which is loaded once, compiled layouts, lexers, and the fonts of cards."""
    from octavo.content.markdown import highlight
    from octavo.images import draw_card
    from octavo.site.extensions import load
    from octavo.templates import environment as template_environment

    load._loaded_scripts.clear()
    template_environment._codes.clear()
    for kept in (highlight._short_runs, highlight._lexer, draw_card._font):
        kept.cache_clear()


def test_an_image_that_cannot_be_opened_for_want_of_files_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = EncodedImages(tmp_path)
    gallery.write("a", pack_variants({"/a.avif": b"image"}))

    def opening(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as limited:
        limited.setattr("octavo.images.encoded_cache.open_regular", opening)
        for ask in (gallery.digests, gallery.variants):
            with pytest.raises(Shortage):
                ask("a")
    assert gallery.variants("a") == {"/a.avif": b"image"}


@pytest.mark.skipif(os.name == "nt", reason="workers are copies of a process")
def test_what_fails_for_want_in_a_worker_ends_the_run(site: MakeSite) -> None:
    posts = "".join(f"-- posts/p{number}.md --\n{post(f'P {number}')}" for number in range(120))
    folder = site(
        posts + f"-- build.py --\n{SCRIPT}" + "-- layouts/own.html --\nx\n"
        "-- layouts/post.html --\n<title>{{ post.title | shout }}</title>\n"
    )
    done = ran(folder, "--jobs", "2", WANT="filter")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("octavo: there is not enough memory (rendering posts/p")
    assert len(done.stderr.splitlines()) == 1
    assert folder.output() == {}


def ran(folder: SiteFolder, *arguments: str, limit: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """A build in a process of its own, which may have ``limit`` bytes of addresses."""
    code = (
        "import sys\n"
        "limit = int(sys.argv.pop(1))\n"
        "if limit:\n"
        "    import resource\n"
        "    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "from octavo.cli.main import main\n"
        "raise SystemExit(main())\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(limit), "-C", str(folder.root), "build", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "SOURCE_DATE_EPOCH": "1780000000", **environment},
    )


@pytest.fixture(scope="module")
def unlimited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteFolder]:
    """A site with images of several kinds, built in a process with all the memory that it wants."""
    folder = SiteFolder(tmp_path_factory.mktemp("unlimited") / "site")
    folder.write("pyproject.toml", '[tool.octavo]\nbase_url = "https://test.example"\nimages.cards = true\n')
    folder.write("posts/a.md", post("A", body="![An image](a.jpg)\n\n```python\nprint(1)\n```\n"))
    folder.write("posts/a.jpg", jpeg()).write("posts/b.md", post("B")).write("posts/c.md", post("C"))
    assert ran(folder, "--jobs", "1").returncode == 0
    yield folder


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
@pytest.mark.parametrize("megabytes", [110, 200, 230, 260, 300, 340])
def test_a_build_with_little_memory_is_the_same_or_none(megabytes: int, unlimited: SiteFolder, tmp_path: Path) -> None:
    folder = SiteFolder(shutil.copytree(unlimited.root, tmp_path / "site", ignore=shutil.ignore_patterns(".octavo")))
    shutil.rmtree(folder.root / "output")
    done = ran(folder, "--jobs", "1", limit=megabytes << 20)
    if done.returncode == 0:
        assert folder.output() == unlimited.output()
        assert done.stderr == ""
    else:
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
        assert folder.output() == {}
    after = ran(folder, "--jobs", "1")
    assert (after.returncode, after.stderr) == (0, "")
    assert folder.output() == unlimited.output()
