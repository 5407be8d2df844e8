"""How each optimizer did from run to run: series for the pages of a published folder, drawn as small SVG lines."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from optbench.records import SiteRun, Standing
from optbench.records.text import commit_text

WIDTH, HEIGHT, EDGE = 110, 34, 5  # of a line, in pixels
TELLING = 0.01  # relative changes below are not judged


@dataclass(frozen=True)
class Measure:
    """What a column of a trend table shows."""

    heading: str
    of: Callable[[Standing], float | None]
    text: Callable[[float], str]
    less_is_better: bool = True
    of_machine: bool = False  # says something of the machine, too


def _count(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _bytes(value: float) -> str:
    return f"{value:,.0f} B" if value < 1e6 else f"{value / 1e6:,.3g} MB"


MEASURES = (
    Measure("Solved", lambda row: row.solved, lambda value: f"{100 * value:.0f} %", less_is_better=False),
    Measure("Evaluations", lambda row: row.evaluations, _count),
    Measure("State", lambda row: row.state_bytes, _bytes),
    Measure("Seconds", lambda row: row.seconds, lambda value: f"{value:.3g} s", of_machine=True),
)


@dataclass(frozen=True)
class Point:
    """A value of one run."""

    run: SiteRun
    value: float


@dataclass(frozen=True)
class Trend:
    """One optimizer by one measure on one machine."""

    measure: Measure
    points: tuple[Point, ...]  # one a run that has a value, the oldest first

    @property
    def last(self) -> str:
        """The latest value as text."""
        return self.measure.text(self.points[-1].value) if self.points else "–"

    @property
    def change(self) -> str:
        """The change since the run before: "+10 %", "same"; empty where there is none."""
        if len(self.points) < 2:
            return ""
        before, after = (point.value for point in self.points[-2:])
        if before == after:
            return "same"
        if not self.measure.less_is_better:
            return f"{100 * (after - before):+.0f} points"
        return f"{100 * (after / before - 1):+.1f} %" if before else ""

    @property
    def sense(self) -> str:
        """Whether the change is for the "better" or the "worse"; empty where it is less than a hundredth."""
        if len(self.points) < 2:
            return ""
        before, after = (point.value for point in self.points[-2:])
        if abs(after - before) <= TELLING * max(abs(before), abs(after)):
            return ""
        return "better" if (after < before) == self.measure.less_is_better else "worse"

    @property
    def line(self) -> Markup:
        """The values as a line, each with its run as a tooltip; empty for fewer than two."""
        return _svg(self) if len(self.points) > 1 else Markup()


@dataclass(frozen=True)
class Row:
    """An optimizer with its trends, one a measure."""

    optimizer: str
    trends: tuple[Trend, ...]


@dataclass(frozen=True)
class Machine:
    """The runs of a suite on one machine with one set of libraries."""

    name: str
    fingerprint: str
    about: str
    runs: tuple[SiteRun, ...]  # the oldest first
    compared: tuple[SiteRun, ...]  # those that ran what the last one ran: only they are drawn
    rows: tuple[Row, ...]


def machines(runs: Iterable[SiteRun]) -> tuple[Machine, ...]:
    """Return the trends of the runs of one suite, machine by machine: their times never share an axis."""
    found: dict[str, list[SiteRun]] = {}
    for run in sorted(runs, key=lambda run: run.started):
        found.setdefault(run.fingerprint, []).append(run)
    return tuple(_machine(rows) for rows in sorted(found.values(), key=lambda rows: rows[-1].started, reverse=True))


def _machine(runs: Sequence[SiteRun]) -> Machine:
    last = runs[-1]
    compared = tuple(run for run in runs if _basis(run) == _basis(last))
    rows = tuple(
        Row(standing.optimizer, tuple(_trend(measure, standing.key, compared) for measure in MEASURES))
        for standing in last.standings
    )
    libraries = ", ".join(f"{name} {version}" for name, version in sorted(last.libraries.items()))
    about = f"{last.processor}; {libraries}"
    return Machine(last.machine, last.fingerprint, about, tuple(runs), compared, rows)


def _basis(run: SiteRun) -> tuple[object, ...]:
    """Return what two runs must share for their figures to mean the same."""
    return frozenset(run.problems), run.budget, run.target


def _trend(measure: Measure, key: str, runs: Iterable[SiteRun]) -> Trend:
    values = ((run, standing) for run in runs for standing in run.standings if standing.key == key)
    points = ((run, measure.of(standing)) for run, standing in values)
    return Trend(measure, tuple(Point(run, value) for run, value in points if value is not None))


def _svg(trend: Trend) -> Markup:
    """Draw the points at equal distances; costs on a logarithmic axis that spans at least a factor of two."""
    costs = trend.measure.less_is_better and all(point.value > 0 for point in trend.points)
    heights = [math.log2(point.value) if costs else point.value for point in trend.points]
    low, high = _span(heights, 1.0 if costs else 0.1)
    places = [
        (
            EDGE + index * (WIDTH - 2 * EDGE) / (len(heights) - 1),
            HEIGHT - EDGE - (height - low) / (high - low) * (HEIGHT - 2 * EDGE),
        )
        for index, height in enumerate(heights)
    ]
    path = " ".join(f"{'ML'[bool(index)]}{x:.1f} {y:.1f}" for index, (x, y) in enumerate(places))
    dots = Markup().join(
        Markup('<circle cx="{:.1f}" cy="{:.1f}" r="{}"><title>{}</title></circle>').format(x, y, r, _told(point, trend))
        for (x, y), point, r in zip(places, trend.points, [2] * (len(places) - 1) + [3], strict=True)
    )
    label = f"{trend.measure.heading} of {len(places)} runs: " + ", ".join(
        trend.measure.text(point.value) for point in trend.points
    )
    return Markup(
        '<svg class="trend" width="{}" height="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<path d="{}"/>{}</svg>'
    ).format(WIDTH, HEIGHT, WIDTH, HEIGHT, label, path, dots)


def _span(values: Sequence[float], least: float) -> tuple[float, float]:
    low, high = min(values), max(values)
    spare = max(0.0, least - (high - low)) / 2
    return low - spare, high + spare


def _told(point: Point, trend: Trend) -> str:
    commit = f", {commit_text(point.run.commit)}" if point.run.commit else ""
    return f"{trend.measure.text(point.value)} · {day(point.run)}{commit}"


def day(run: SiteRun) -> str:
    """Return when a run began, to the minute."""
    return run.started[:16].replace("T", " ")
