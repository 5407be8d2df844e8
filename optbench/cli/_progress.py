"""Progress on stderr: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from optbench.runner.session import Progress

_LINE_SECONDS = 10.0
_REDRAWN = 4  # times a second


@contextmanager
def activity(*, quiet: bool = False) -> Iterator[None]:
    """Show what is announced inside, and for how long it goes on, in one line that goes away; a terminal's alone."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.progress import SpinnerColumn, TimeElapsedColumn

    from optbench.api.progress import listening

    with _bar(SpinnerColumn(), _description(), TimeElapsedColumn()) as bar:
        task = bar.add_task("", total=None)
        with listening(lambda text: bar.update(task, description=text)):
            yield


def _bar(*columns: Any) -> Any:
    """Return rich's progress on stderr; what others print is left to them."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    screen = Console(stderr=True)
    return Bar(*columns, console=screen, transient=True, redirect_stdout=False, refresh_per_second=_REDRAWN)


def _description() -> Any:
    """Return the column of what is done; names of plugins are no markup, and long ones don't break the line."""
    from rich.progress import TextColumn
    from rich.table import Column

    column = Column(no_wrap=True, overflow="ellipsis")
    return TextColumn("{task.description}", markup=False, table_column=column)


class ProgressLine:
    """Shows trials done, failures and the time left."""

    def __init__(self) -> None:
        """Begin with nothing shown."""
        self._next = 0.0
        self._bar: Any = None

    def __enter__(self) -> Self:
        """Open the bar on a terminal."""
        if sys.stderr.isatty():
            from rich.progress import BarColumn, MofNCompleteColumn

            self._bar = _bar(BarColumn(), MofNCompleteColumn(), _description())
            self._task = self._bar.add_task("looking up what is stored", total=None)
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.stop()

    def say(self, text: str) -> None:
        """Show what is done beside trials, on a terminal."""
        if self._bar is not None:
            self._bar.update(self._task, description=text)

    def __call__(self, progress: Progress) -> None:
        """Show where the session stands."""
        text = describe(progress)
        if self._bar is not None:
            self._bar.update(self._task, total=progress.total, completed=progress.done, description=text)
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + _LINE_SECONDS
            print(f"{progress.done}/{progress.total} {text}", file=sys.stderr, flush=True)


def describe(progress: Progress) -> str:
    """Return failures, time left and what runs, in words."""
    failures = f"{progress.failures} failed, " if progress.failures else ""
    left = "" if progress.remaining is None else f"{duration(progress.remaining)} left, "
    return f"{failures}{left}{progress.current}"


def duration(seconds: float) -> str:
    """Return seconds as 12 s, 3 min 5 s or 2 h 4 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
