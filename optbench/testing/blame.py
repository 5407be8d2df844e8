"""Where in a plugin something happened."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import optbench
from optbench.testing.subject import Subject

_ENGINE = Path(optbench.__file__).resolve().parent
_NOT_TO_BLAME = tuple(str(_ENGINE / part) for part in ("testing", "measure", "runner", "cli", "registry"))


class Frame(NamedTuple):
    """One line of a stack."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        """Return "file:line in function", relative to the working directory where the file lies below it."""
        path = Path(self.file)
        shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
        return f"{shown}:{self.line} in {self.function}"


def culprit(frames: Iterable[Frame], subject: Subject) -> Frame | None:
    """Return the innermost frame in the plugin's own code, else in a library that it uses.

    `frames` run from the outermost to the innermost.
    """
    stack = [frame for frame in frames if not frame.file.startswith(_NOT_TO_BLAME)]
    root = subject.root()
    own = [frame for frame in stack if root is not None and Path(frame.file).resolve().is_relative_to(root)]
    if own:
        return own[-1]
    library = [frame for frame in stack if _below_engine(frame)]
    return library[-1] if library else None


def _below_engine(frame: Frame) -> bool:
    return Path(frame.file).resolve().is_relative_to(_ENGINE)


def where(frames: Iterable[Frame], subject: Subject) -> str:
    """Return " (file:line in function)" of the culprit, or nothing where it can't be known."""
    found = culprit(frames, subject)
    return f" ({found})" if found else ""


def stack_here() -> list[Frame]:
    """Return the stack of the caller, outermost first."""
    frames = traceback.extract_stack(sys._getframe(1), limit=None)  # noqa: SLF001 -- the documented way to a frame
    return [Frame(frame.filename, frame.lineno or 0, frame.name) for frame in frames]


def stack_of(error: BaseException) -> list[Frame]:
    """Return the frames that an exception passed, outermost first."""
    return [Frame(frame.filename, frame.lineno or 0, frame.name) for frame in traceback.extract_tb(error.__traceback__)]


def defined_at(thing: object) -> str:
    """Return " (file:line in name)" of a function or class; nothing where Python can't tell."""
    try:
        file, line = inspect.getsourcefile(thing), inspect.getsourcelines(thing)[1]  # type: ignore[arg-type]
    except (OSError, TypeError):
        return ""
    return f" ({Frame(str(file), line, getattr(thing, '__qualname__', ''))})"


def described(error: BaseException, subject: Subject) -> str:
    """Return an exception in one line, with where in the plugin it was raised."""
    text = " ".join(str(error).split())[:500]
    name = type(error).__name__
    return f"{name}: {text}{where(stack_of(error), subject)}" if text else f"{name}{where(stack_of(error), subject)}"
