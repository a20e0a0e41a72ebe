"""What goes on in a build, for whoever wants to see it: where the time goes, how far it has come."""

from __future__ import annotations

from collections.abc import Mapping


class Observer:
    """Is told what goes on, and does nothing with it.

    A phase is a step, or another stretch of a build; one ends before the next begins, unless it fails.
    """

    def began(self, phase: str) -> None:
        pass

    def expects(self, phase: str, items: int) -> None:
        """So many items are about to be run."""

    def ran(self, phase: str, item: str, seconds: float) -> None:
        """An item was run, in this or another process.

        It took ``seconds`` there.
        """

    def ended(self, phase: str) -> None:
        pass

    def laid_out(self, layouts: Mapping[str, str]) -> None:
        """The layout of each page that was rendered, by its URL."""

    def close(self) -> None:
        """Nothing goes on any more, whatever came of it."""


class Observers(Observer):
    """Several of them."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def began(self, phase: str) -> None:
        for observer in self._observers:
            observer.began(phase)

    def expects(self, phase: str, items: int) -> None:
        for observer in self._observers:
            observer.expects(phase, items)

    def ran(self, phase: str, item: str, seconds: float) -> None:
        for observer in self._observers:
            observer.ran(phase, item, seconds)

    def ended(self, phase: str) -> None:
        for observer in self._observers:
            observer.ended(phase)

    def laid_out(self, layouts: Mapping[str, str]) -> None:
        for observer in self._observers:
            observer.laid_out(layouts)

    def close(self) -> None:
        for observer in self._observers:
            observer.close()
