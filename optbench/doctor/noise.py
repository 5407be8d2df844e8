"""What the times of the reference kernel say."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from optbench.measure.reliability import TOLERANCES

READING = 5  # runs; the least of so many is a reading of the kernel, as beside trials
DRIFT = TOLERANCES.drift


@dataclass(frozen=True)
class Slice:
    """The times of the runs within about half a second, so that bursts show."""

    least: float  # seconds
    median: float
    most: float


@dataclass(frozen=True)
class Noise:
    """Times of the reference kernel: seconds, and ratios of them."""

    runs: int
    least: float  # seconds
    median: float  # seconds
    spread: float  # interquartile range / median
    worst: float  # slowest run / median
    drift: float  # median of the slowest slice / that of the fastest - 1
    disturbed: float  # share of the readings that lie more than DRIFT above their median
    slices: tuple[Slice, ...]


def noise_of(slices: Sequence[Sequence[float]]) -> Noise:
    """Return the noise in the seconds of single runs, grouped in slices of at least `READING` runs."""
    runs = [seconds for part in slices for seconds in part]
    low, median, high = statistics.quantiles(runs, n=4, method="inclusive")
    parts = tuple(Slice(min(part), statistics.median(part), max(part)) for part in slices)
    medians = [part.median for part in parts]
    readings = [min(part[at : at + READING]) for part in slices for at in range(0, len(part) - READING + 1, READING)]
    limit = (1 + DRIFT) * statistics.median(readings)
    return Noise(
        runs=len(runs),
        least=min(runs),
        median=median,
        spread=(high - low) / median,
        worst=max(runs) / median,
        drift=max(medians) / min(medians) - 1,
        disturbed=sum(reading > limit for reading in readings) / len(readings),
        slices=parts,
    )
