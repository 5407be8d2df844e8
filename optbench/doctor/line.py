"""A line of the diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How good what was seen is."""

    GOOD = "good"
    WARNING = "warning"  # times are noisier than they could be
    BAD = "bad"
    UNKNOWN = "unknown"  # this machine does not tell


class Harm(StrEnum):
    """What can't be trusted where a line is bad."""

    TIMES = "times"
    EVERYTHING = "everything"


@dataclass(frozen=True)
class Line:
    """One thing that was looked at, what was seen, and what to do about it: empty where it is good."""

    name: str
    level: Level
    seen: str
    advice: str = ""
    harm: Harm = Harm.TIMES


def good(name: str, seen: str) -> Line:
    """Return a line that needs no advice."""
    return Line(name, Level.GOOD, seen)


def unknown(name: str, seen: str, advice: str = "") -> Line:
    """Return a line on what this machine does not tell."""
    return Line(name, Level.UNKNOWN, seen, advice)


def graded(name: str, seen: str, advice: str, figures: tuple[tuple[float, float, float], ...]) -> Line:
    """Return the line that the worst of some figures makes.

    Args:
        name: of the line.
        seen: the figures in words.
        advice: left out where all figures are good.
        figures: each a value, the most that is good, and the most that is no worse than a warning.
    """
    if any(value > tolerable for value, _, tolerable in figures):
        return Line(name, Level.BAD, seen, advice)
    if any(value > fine for value, fine, _ in figures):
        return Line(name, Level.WARNING, seen, advice)
    return good(name, seen)
