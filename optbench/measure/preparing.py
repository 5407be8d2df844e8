"""What it takes to make the scored point of a readout: on a point's own clock, never added up over the points."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from optbench.api import Point, Readout
from optbench.measure.ledger import Ledger


@dataclass(frozen=True)
class Preparation:
    """A scored point, and what it cost to prepare it beyond what had been spent until then."""

    point: Point
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    examples: int = 0  # of a pass that estimated its statistics
    cost: float = 0.0  # model FLOPs of that


def prepared(readout: Readout, problem: Any, ledger: Ledger) -> Preparation:
    """Return the readout's point; the device is waited for on both sides.

    Statistics that the readout leaves out, where the problem keeps some, are estimated at the point from a pass over
    the training examples.
    """
    ledger.wait()
    began, cpu_began = ledger.now(), ledger.cpu_now()
    point, examples = readout.point(), 0
    if point.statistics is None and hasattr(problem, "estimated_statistics"):
        statistics = problem.estimated_statistics(point.parameters)
        if statistics is not None:
            point, examples = replace(point, statistics=statistics), problem.examples
    ledger.wait()
    flops = float(getattr(problem, "forward_flops", 0) or 0) if examples else 0.0
    return Preparation(point, ledger.now() - began, ledger.cpu_now() - cpu_began, examples, examples * flops)
