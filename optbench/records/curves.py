"""How the error, or a metric, of an optimizer falls on a problem: aggregated, or of one seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ReportCurve:
    """The relative gap of an optimizer on a problem, aggregated over seeds at equal evaluations."""

    optimizer: str
    problem: str
    costs: Mapping[str, tuple[float | None, ...]]  # measure -> the median cost at each point
    median: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    ends: tuple[tuple[float | None, ...], ...] = ()  # of failed seeds: a cost for each measure, then the gap
    stages: tuple[tuple[float | None, ...], ...] = ()  # where each later stage began: the median cost by each measure


@dataclass(frozen=True, kw_only=True)
class SeedCurve:
    """The relative gap of one seed of an optimizer on a problem, thinned to what is drawn."""

    optimizer: str
    problem: str
    seed: int
    status: str
    points: str  # packed: the costs by each of the report's measures, then the gaps, one column after the other


@dataclass(frozen=True, kw_only=True)
class LearningCurve:
    """A metric of an optimizer on a problem with data, aggregated over its trials at equal numbers of examples."""

    optimizer: str
    problem: str
    metric: str  # without its plugin
    examples: tuple[float, ...]
    seconds: tuple[float | None, ...]  # the median at each point
    median: tuple[float | None, ...]
    low: tuple[float | None, ...]  # 10 %
    high: tuple[float | None, ...]
    rising: bool = False  # whether higher is better
