"""A Dask cluster as processes to work in.

Its workers see none of the site's files: they are sent facts and send back values, so the store and what is published
stay on this machine. Whatever goes wrong over there, the work is then done here, where what is wrong with the work
itself comes to light as well.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, InvalidStateError
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from octavo.base.digest import Digest
from octavo.base.shortage import raise_if_shortage
from octavo.engine.worker import Wants
from octavo.model.queries import Extended

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")

Code = Callable[[], Digest]

CONNECT_SECONDS = 5.0
"""Seconds to wait for a scheduler to answer, and for it to have a worker."""

WORKERLESS_SECONDS = 10.0
"""Seconds without any worker after which none is expected any more; one that died is started again sooner than that."""


class NoCluster(Exception):
    """There is no cluster to work with. ``hint`` says what can be done."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Cluster:
    """The workers of the Dask scheduler at ``address`` (HOST:PORT).

    It is called when there is enough to do for it. ``code`` tells what code a process runs, and is sent to be asked
    there; ``say`` takes a line about what does not go as the author expects. Raises NoCluster.
    """

    remote = True

    def __init__(self, address: str, code: Code, say: Callable[[str], None]) -> None:
        self._address, self._code, self._say = address, code, say
        self._client: Client | None = None
        self._pool: _DaskPool | None = None
        self._jobs = 1

    @property
    def jobs(self) -> int:
        """The threads of all workers.

        It is 1, which is this process, once they are lost.
        """
        if self._pool is None:
            self._connect()
        return 1 if self._pool is None or self._pool.lost else self._jobs

    def forked_workers(self, begin: Callable[[T], None], estate: T, /) -> None:
        return None

    def pool(self) -> Executor | None:
        return self._pool if self.jobs > 1 else None

    def close(self) -> None:
        """Leave the cluster, whatever it is doing. The next call comes back to it."""
        pool, self._pool = self._pool, None
        client, self._client = self._client, None
        if pool is not None:
            pool.shutdown(wait=False)
        if client is not None:
            with _silent():
                client.close(timeout=CONNECT_SECONDS)

    def _connect(self) -> None:
        try:
            import distributed
        except ImportError as problem:
            raise_if_shortage(problem)
            raise NoCluster(f"--executor needs Dask ({problem})", "pip install 'octavo[dask]'") from problem
        with _silent():
            try:
                client = self._client = distributed.Client(self._address, timeout=CONNECT_SECONDS, set_as_default=False)
            except (OSError, ValueError) as problem:
                raise_if_shortage(problem)
                hint = "start one with 'dask scheduler', or leave --executor away"
                raise NoCluster(f"no Dask scheduler answers at {self._address}", hint) from problem
            try:
                client.wait_for_workers(1, timeout=CONNECT_SECONDS)
            except TimeoutError as problem:
                hint = f"start some with 'dask worker {self._address}'"
                raise NoCluster(f"the Dask scheduler at {self._address} has no workers", hint) from problem
            _check(client.run(self._code, on_error="return"), self._code())
            self._jobs = max(2, sum(client.nthreads().values()))
        self._pool = _DaskPool(client, self._address, self._code, self._say)


def _check(codes: Mapping[str, Any], own: Digest) -> None:
    """Raise NoCluster for a worker that would not make the same pages."""
    for worker, code in sorted(codes.items()):
        if code != own:
            what = f"has no Octavo that it can run ({code})" if isinstance(code, Exception) else "has another Octavo"
            hint = "all machines need the same versions of Python, of Octavo and of the libraries it uses"
            raise NoCluster(f"the Dask worker at {worker} {what}", hint)


class _DaskPool(Executor):
    """Dask's executor, with futures that fail with BrokenExecutor.

    They do so too when there is no worker left.
    """

    def __init__(self, client: Client, address: str, code: Code, say: Callable[[str], None]) -> None:
        self.lost = False
        self._client, self._address, self._code, self._say = client, address, code, say
        self._executor = client.get_executor(pure=False)
        self._pending: set[Future[Any]] = set()
        self._said_alone = False
        self._closed = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        outer: Future[T] = Future()
        try:
            with _silent():
                inner: Future[T] = self._executor.submit(_run, self._code, self._code(), fn, *args, **kwargs)
        except Exception as problem:
            raise self._broken(problem) from problem
        self._pending.add(outer)

        def settle(_: object) -> None:
            self._pending.discard(outer)
            with suppress(InvalidStateError):
                problem = CancelledError() if inner.cancelled() else inner.exception()
                if problem is None:
                    self._look_at(inner.result())
                    outer.set_result(inner.result())
                elif not outer.done():
                    outer.set_exception(self._broken(problem))

        def end(_: object) -> None:
            if outer.cancelled():
                outer.set_running_or_notify_cancel()
                inner.cancel()

        outer.add_done_callback(end)
        inner.add_done_callback(settle)
        return outer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._closed.set()
        for future in tuple(self._pending):
            future.cancel()

    def _broken(self, problem: BaseException) -> BrokenExecutor:
        if not self.lost:
            self.lost = True
            words = f"{type(problem).__name__}: {problem}".partition("\n")[0]
            self._say(f"octavo: the cluster at {self._address} failed, the rest is done here ({words})")
        return BrokenExecutor(f"the cluster at {self._address} failed")

    def _look_at(self, results: Any) -> None:
        if not self._said_alone and _wants_script(results):
            self._said_alone = True
            self._say(f"octavo: the workers at {self._address} cannot load build.py, so what needs it is done here")

    def _watch(self) -> None:
        """Dask waits for ever for a worker to come. The author does not."""
        since = time.monotonic()
        while not self._closed.wait(1.0):
            try:
                if self._client.nthreads() or not self._pending:
                    since = time.monotonic()
            except Exception:  # no scheduler is no worker either
                pass
            if time.monotonic() - since > WORKERLESS_SECONDS:
                for future in tuple(self._pending):
                    with suppress(InvalidStateError):
                        future.set_exception(self._broken(TimeoutError("it has no workers any more")))


def _wants_script(results: Iterable[Any]) -> bool:
    wants = [result for result in results if isinstance(result, Wants)]
    return any(type(query) is Extended for result in wants for query in result.queries)


# A worker may have several threads. What Octavo makes once for a process, such as a parser, is for one at a time.
_one_at_a_time = threading.Lock()


def _run(code: Code, expected: Digest, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """What a worker does with a batch. One that came later may have other code than those that were looked at."""
    if code() != expected:
        raise RuntimeError("a worker has another Octavo")
    with _one_at_a_time:
        try:
            return fn(*args, **kwargs)
        except SystemExit as end:  # of a function of build.py: it would end the worker
            raise RuntimeError(f"a function of build.py ended the program: {end!r}") from end


@contextmanager
def _silent() -> Iterator[None]:
    """Dask's own words about what fails are not for authors: we say it."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("distributed.")]:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    yield
