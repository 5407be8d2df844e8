"""Where in a plugin something happened."""

from __future__ import annotations

import contextlib
import inspect
import re
import sys
import traceback
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import optbench
from optbench.testing.subject import Subject

_ENGINE = Path(optbench.__file__).resolve().parent
_MEASURING = str(_ENGINE / "measure")
_TORCH = str(Path(str(find_spec("torch").origin)).parent)  # type: ignore[union-attr]  # it is installed
_PASSED_OVER = (str(_ENGINE / "testing"), str(_ENGINE / "api" / "curvature.py"), _TORCH)
_NOT_TO_BLAME = tuple(str(_ENGINE / part) for part in ("testing", "measure", "runner", "cli", "registry"))
_PLACE = re.compile(r":\d+ in \S+$")  # how a frame ends


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


def made_by_engine(frames: Iterable[Frame], subject: Subject) -> bool:
    """Tell whether the engine, not the plugin, did what happens at the end of the stack."""
    root = subject.root()
    for frame in reversed(list(frames)):
        if root is not None and Path(frame.file).resolve().is_relative_to(root):
            return False
        if not is_passed_over(frame):
            return is_measuring(frame)
    return True


def is_measuring(frame: Frame) -> bool:
    """Tell whether a frame is the engine's that runs a trial."""
    return frame.file.startswith(_MEASURING)


def is_passed_over(frame: Frame) -> bool:
    """Tell whether a frame says nothing of who wanted what: the checks' own, or what differentiates."""
    return frame.file.startswith(_PASSED_OVER)


def where(frames: Iterable[Frame], subject: Subject) -> str:
    """Return " (file:line in function)" of the culprit, or nothing where it can't be known."""
    found = culprit(frames, subject)
    return f" ({found})" if found else ""


def stack_here() -> list[Frame]:
    """Return the stack of the caller, outermost first."""
    frames = []
    at: FrameType | None = sys._getframe(1)  # noqa: SLF001 -- the documented way to a frame
    while at is not None:
        frames.append(Frame(at.f_code.co_filename, at.f_lineno, at.f_code.co_name))
        at = at.f_back
    return frames[::-1]


def stack_of(error: BaseException) -> list[Frame]:
    """Return the frames that an exception passed, outermost first."""
    return [Frame(frame.filename, frame.lineno or 0, frame.name) for frame in traceback.extract_tb(error.__traceback__)]


def defined_at(thing: object) -> str:
    """Return " (file:line in name)" of a function or class; nothing where Python can't tell."""
    wrapped = inspect.unwrap(thing) if callable(thing) else thing
    try:
        file, line = inspect.getsourcefile(wrapped), inspect.getsourcelines(wrapped)[1]  # type: ignore[arg-type]
    except (OSError, TypeError):
        return ""
    return f" ({Frame(str(file), line, getattr(thing, '__qualname__', ''))})"


def described(error: BaseException, subject: Subject) -> str:
    """Return an exception in one line, with where in the plugin it was raised."""
    text = " ".join(str(error).split())[:500]
    name = type(error).__name__
    return f"{name}: {text}{where(stack_of(error), subject)}" if text else f"{name}{where(stack_of(error), subject)}"


def located(message: str, subject: Subject) -> str:
    """Return a message with where the plugin's factory is defined, unless it ends with a place already."""
    if _PLACE.search(message.rstrip(")")):
        return message
    with contextlib.suppress(Exception):  # a factory that can't be had has no place
        return f"{message}{defined_at(subject.factory())}"
    return message
