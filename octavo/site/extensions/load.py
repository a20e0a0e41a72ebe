"""What build.py adds to a site, loaded and run.

It may add filters, shortcodes, Markdown plug-ins, pages, data and checks. ``build.py`` only declares. Its functions are
pure: they see their arguments and what they ask for, nothing else, so its source, and that of the local modules it
imports, stands for all it can do.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from octavo.base.diagnostics import Diagnostic, Span, error
from octavo.base.digest import Digest, digest
from octavo.base.names import SCRIPT_FILE
from octavo.base.shortage import raise_if_shortage, shortage_in
from octavo.engine.codec import codec
from octavo.engine.facts import Ask, Fact, Missing, Query, Resolver, fact
from octavo.model.extensions import Extension, Extensions, ScriptData
from octavo.model.pages import Page
from octavo.model.queries import Extended
from octavo.model.values import freeze
from octavo.site.extensions.declare import KINDS, Declarations, being_run
from octavo.site.extensions.local_modules import UncachedLoader, forget_modules, import_uncached, is_local
from octavo.site.extensions.source import ScriptChanged, script_digest, script_files, script_sources

_MODULE = "octavo_site_script"
_PACKAGE = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Script:
    """A site's build.py by its folder.

    ``source`` is its digest, None when there is none. ``names`` are those of what it adds, by kind. Each process loads
    it for itself.
    """

    root: str
    source: Digest | None = None
    names: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def resolvers(self) -> Mapping[type[Query[Any]], Resolver]:
        return {Extended: self._extended}

    def _extended(self, query: Extended) -> Fact:
        names = dict(self.names).get(query.kind, ())
        if not names or self.source is None:
            return fact(Extensions())
        return Fact(digest((query.kind, names, self.source)), lambda: self._only(query.kind))

    def _only(self, kind: str) -> Extensions:
        """One kind of what the script adds.

        A step that uses filters does not depend on shortcodes.
        """
        return Extensions(**{kind: getattr(_load(self.root, self.source), kind)})

    def portable(self) -> Script | SentScript:
        """With its source, for a process that does not see the site's folder.

        Raises ScriptChanged.
        """
        if not any(names for _, names in self.names):
            return self
        try:
            files = script_sources(Path(self.root))
        except OSError as problem:
            raise_if_shortage(problem)
            raise ScriptChanged(SCRIPT_FILE) from problem
        if digest(files) != self.source:
            raise ScriptChanged(SCRIPT_FILE)
        return SentScript(self, files)


@dataclass(frozen=True)
class SentScript:
    """A site's build.py with its source, and that of the modules it imports.

    ``files`` are by path, and the modules are local ones.
    """

    script: Script
    files: tuple[tuple[str, bytes], ...]

    def resolvers(self) -> Mapping[type[Query[Any]], Resolver]:
        return {Extended: self._extended}

    def portable(self) -> SentScript:
        return self

    def _extended(self, query: Extended) -> Fact:
        """What it adds of a kind.

        Where it does not run, because a library or a file that it uses is not there, that cannot be had.
        """
        extended = self.script._extended(query)

        def load() -> Extensions:
            if self.files in _unloadable:
                raise Missing((query,))
            try:
                here = replace(self.script, root=_unpacked(self.files))
                return here._only(query.kind)
            except Exception as problem:
                if not shortage_in(problem):
                    _unloadable.add(self.files)
                raise Missing((query,)) from problem

        return Fact(extended.digest, load) if dict(self.script.names).get(query.kind) else extended


_unloadable: set[tuple[tuple[str, bytes], ...]] = set()
"""Scripts that did not run here: each batch of work would try again. A shortage may pass, and is none of them."""

_unpacked_scripts: dict[tuple[tuple[str, bytes], ...], tempfile.TemporaryDirectory[str]] = {}
"""The folders of scripts. They are removed when nothing refers to them."""


def _unpacked(files: tuple[tuple[str, bytes], ...]) -> str:
    """A folder with these files, for as long as this process lives."""
    if files not in _unpacked_scripts:
        folder = tempfile.TemporaryDirectory(prefix="octavo-script-")
        for path, data in files:
            place = Path(folder.name, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        _unpacked_scripts[files] = folder
    # Without links, as ``Site`` has its own folder: it is looked for in ``being_run``.
    return str(Path(_unpacked_scripts[files].name).resolve())


def find_script(root: Path, source: Digest | None) -> tuple[Script, tuple[Diagnostic, ...]]:
    """Run the site's build.py to learn what it adds and what is wrong.

    ``source`` is its digest. Raises ScriptChanged.
    """
    if source is None:
        return Script(str(root)), ()
    try:
        extensions = _make_current(str(root), source)
    except ScriptChanged:
        raise
    except Exception as problem:
        raise_if_shortage(problem, SCRIPT_FILE)
        hint = f"'python {SCRIPT_FILE} --help' shows the whole traceback"
        return Script(str(root)), (_script_problem(root, problem, hint),)
    names = tuple((kind, tuple(extension.name for extension in getattr(extensions, kind))) for kind in KINDS)
    return Script(str(root), source, names), ()


_Key = tuple[str, Digest | None]
"""The folder of a site, and the digest of its script."""

_loaded_scripts: dict[_Key, Extensions] = {}
_current: _Key | None = None
"""The script whose modules are imported at this moment."""

_loading = threading.RLock()
"""Held while a script is run: that changes ``sys.modules``, ``sys.path`` and ``being_run``, of which a process has one.

Two threads that did so at once would delete each other's modules, and when the first ended, ``site.main()`` in the
other would run a command. Its holder may take it again: a script might load another.
"""


def _make_current(root: str, source: Digest | None) -> Extensions:
    """What the script adds; a module that one of its functions imports when called is its own, and as it is now."""
    with _loading:
        if (root, source) in _loaded_scripts and _current != (root, source):
            _begin_imports((root, source))
        return _load(root, source)


def _load(root: str, source: Digest | None) -> Extensions:
    """What the script adds; loaded once in each process for each state of its source."""
    key = (root, source)
    # Without the lock: who shows pages with a script that was loaded does not wait while an edit of it is run.
    if key in _loaded_scripts:
        return _loaded_scripts[key]
    with _loading:
        if key not in _loaded_scripts:
            _loaded_scripts[key] = _load_anew(root, source)
        return _loaded_scripts[key]


def _load_anew(root: str, source: Digest | None) -> Extensions:
    _begin_imports((root, source))
    try:
        declarations = _run(Path(root))
        _check_imports(Path(root))
    finally:
        # Looked at after it was run, and also where it failed: half of an edit is no fault of the author's.
        if not _is_still(Path(root), source):
            raise ScriptChanged(SCRIPT_FILE)
    return _extensions(declarations, source or b"")


def _begin_imports(key: _Key) -> None:
    """Have modules imported from the folder of a site, and none that was imported before."""
    global _current
    root = key[0]
    forget_modules(root)
    import_uncached(root)
    if sys.path[:1] != [root]:
        sys.path.insert(0, root)
    _current = key


def _extensions(declared: Declarations, source: Digest) -> Extensions:
    return Extensions(
        **{
            kind: tuple(Extension(name, source, added[name]) for name in sorted(added))
            for kind, added in declared.added.items()
        }
    )


def _check_imports(root: Path) -> None:
    """Raise ImportError for a module of the site that was not found in the source.

    It was imported in another way, and an edit of it would not be seen.
    """
    followed = script_files(root)
    for name, module in sorted(sys.modules.items()):
        file = Path(module.__file__ or "") if is_local(module, str(root)) else None
        if file is not None and name != "__main__" and file not in followed:
            path = file.relative_to(root).as_posix()
            raise ImportError(f"{path} is imported in a way that no edit of it would be seen: write a plain import")


def _is_still(root: Path, source: Digest | None) -> bool:
    try:
        return script_digest(root) == source
    except OSError as problem:
        raise_if_shortage(problem)
        return False


def _run(root: Path) -> Declarations:
    # A finder knows what is in a folder by the time of its last change, which may be that of a new file as well.
    importlib.invalidate_caches()
    loader = UncachedLoader(_MODULE, str(root / SCRIPT_FILE))
    spec = importlib.util.spec_from_file_location(_MODULE, root / SCRIPT_FILE, loader=loader)
    if spec is None:
        raise ImportError(f"{SCRIPT_FILE} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    # It has to be there while it is run: dataclasses, among others, look up the module of a class by its name.
    sys.modules[_MODULE] = module
    being_run.add(str(root))
    try:
        loader.exec_module(module)
    except SystemExit as end:
        # `raise SystemExit(site.main())` without a guard is how such a script may well end.
        if end.code:
            raise RuntimeError(f"it ends the program: {end!r}").with_traceback(end.__traceback__) from None
    finally:
        being_run.discard(str(root))
    sites = [value for value in vars(module).values() if isinstance(value, Declarations)]
    if not sites:
        raise LookupError("it makes no Site: write `site = Site(__file__)`")
    return sites[0]


def _script_problem(root: Path, problem: Exception, hint: str) -> Diagnostic:
    """The failure of build.py, at its innermost line within the site."""
    if isinstance(problem, SyntaxError) and problem.filename and Path(problem.filename).is_relative_to(root):
        path = Path(problem.filename).relative_to(root).as_posix()
        span = Span(problem.lineno or 1, problem.offset or None, 1, (problem.text or "").rstrip("\n"))
        return error(path, span, "build.py", f"Python cannot read this: {problem.msg}", hint)
    frames = [
        frame
        for frame in traceback.extract_tb(problem.__traceback__)
        if Path(frame.filename).is_relative_to(root) and "site-packages" not in frame.filename
        if not Path(frame.filename).is_relative_to(_PACKAGE)
    ]
    if not frames:
        return error(SCRIPT_FILE, None, "build.py", f"{type(problem).__name__}: {problem}", hint)
    frame = frames[-1]
    line = _source_line(Path(frame.filename), frame.lineno or 1)
    span = Span(frame.lineno or 1, len(line) - len(line.lstrip()) + 1, len(line.strip()) or 1, line)
    path = Path(frame.filename).relative_to(root).as_posix()
    return error(path, span, "build.py", f"{type(problem).__name__}: {problem}", hint)


def _source_line(file: Path, line: int) -> str:
    lines = file.read_text("utf-8", "replace").splitlines()
    return lines[line - 1] if line <= len(lines) else ""


# The functions of build.py as steps.


@dataclass(frozen=True)
class FunctionResult:
    """What one function of build.py returned, frozen, and what was wrong."""

    value: ScriptData = None
    problems: tuple[Diagnostic, ...] = ()


def gather(name: str, ask: Ask) -> FunctionResult:
    """Run a ``@site.data`` function."""
    return _called(name, "data", ask, freeze)


def own_pages(name: str, ask: Ask) -> FunctionResult:
    """Run a ``@site.pages`` function; the value is a tuple of Pages."""
    return _called(name, "pages", ask, _as_pages)


def run_check(name: str, ask: Ask) -> FunctionResult:
    """Run a ``@site.check`` function; what it yields are the problems."""
    checked = _called(name, "checks", ask, _as_problems)
    return FunctionResult(None, (*checked.problems, *(checked.value or ())))


def _called(name: str, kind: str, ask: Ask, read: Callable[[Any], Any]) -> FunctionResult:
    extensions = ask(Extended(kind)) or Extensions()
    extension = next(each for each in getattr(extensions, kind) if each.name == name)
    try:
        value = read(extension.function(ask))
        digest(value)  # what cannot be a fact, or cannot be kept, is a fault of build.py
        codec(ScriptData).encode(value)
        return FunctionResult(value)
    except Exception as problem:
        raise_if_shortage(problem, f"'{name}' of {SCRIPT_FILE}")
        root = Path(extension.function.__code__.co_filename).parent
        return FunctionResult(None, (_script_problem(root, problem, f"it was raised while '{name}' ran"),))


def _as_pages(value: Any) -> tuple[Page, ...]:
    pages = tuple(value)
    for page in pages:
        if not isinstance(page, Page):
            raise TypeError(f"a pages function yields octavo.Page values, not {type(page).__name__}")
        if not page.url.startswith("/") or ".." in page.url.split("/"):
            raise ValueError(f"the url of a page begins with '/' and has no '..': {page.url!r}")
    return tuple(replace(page, data=freeze(page.data)) for page in pages)


def _as_problems(value: Any) -> tuple[Diagnostic, ...]:
    problems = tuple(value or ())
    for problem in problems:
        if not isinstance(problem, Diagnostic):
            raise TypeError(f"a check yields octavo.Diagnostic values, not {type(problem).__name__}")
        if not isinstance(problem.path, str) or not isinstance(problem.message, str):
            raise TypeError(f"the path and the message of a problem are text: {problem!r}")
    return problems
