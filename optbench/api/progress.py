"""What takes long says what it is doing; whoever shows it listens, and nobody does unless asked to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str], None]


def announce(text: str) -> None:
    """Say in a few words what is done from now on, such as "drawing figures"; a terminal may show it until the next."""
    _listener.get()(text)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let `listener` hear what is announced inside."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def within(whole: str) -> Iterator[None]:
    """Put in front of all that is announced inside what it is a part of, as in "2 of 5 runs: drawing figures"."""
    outer = _listener.get()
    with listening(lambda text: outer(f"{whole}: {text}")):
        yield


def _unheard(text: str) -> None:
    del text


_listener: ContextVar[Listener] = ContextVar("optbench_listener", default=_unheard)
