"""A trial's curve: which point is scored, what preparing it takes, and when it is put on file."""

from __future__ import annotations

import math
from dataclasses import replace

from torch import Tensor

from optbench.api import Readout
from optbench.measure.oracle import Books
from optbench.measure.preparing import Preparation, prepared
from optbench.measure.running import RunningStage
from optbench.measure.snapshots import SnapshotSpool


class Curve:
    """Scores the readout's point; without one the best point of a deterministic problem, the last of a stochastic one.

    Stages off the curve leave no snapshots: their values belong to another objective.
    """

    def __init__(self, readout: Readout | None, books: Books, snapshots: SnapshotSpool) -> None:
        """Begin with nothing observed."""
        self.readout, self._books, self._snapshots = readout, books, snapshots
        self._observed = False

    def observe(self, running: RunningStage, point: Tensor) -> None:
        """Show the readout a published point."""
        if self.readout is not None and running.stage.on_curve:
            self.readout.observe(running.point(point))
            self._observed = True

    def begin(self, running: RunningStage) -> None:
        """Look at where the trial begins, and where its curve does after stages off it."""
        if running.index == 0 or running.stage.on_curve:
            self.look(running)

    def look(self, running: RunningStage) -> None:
        """Read what waits on the device, end the trial where the targets are reached, take a snapshot."""
        self._snapshots.schedule.advance(self._books.ledger.steps)
        if running.scalars.flush() and not self._books.ledger.stopped:
            self._books.ledger.stopped = "target"
        if running.stage.on_curve:
            self._take(running, self._scored(running))

    def end(self, running: RunningStage) -> Preparation:
        """Return the point that the trial is scored by, its examples and cost booked and its snapshot taken."""
        self._books.scalars.flush()
        self._books.off_curve.flush()
        scored, ledger = self._scored(running), self._books.ledger
        if running.stage.on_curve:
            self._take(running, scored, last=True)
        ledger.examples += scored.examples
        ledger.cost += scored.cost
        return scored

    def saw_nothing_finite(self, running: RunningStage) -> bool:
        """Tell whether the full objective was evaluated, and never finite."""
        scalars = self._books.scalars
        scalars.flush()
        judged = running.batches is None and running.stage.on_curve
        return judged and running.oracle.has_evaluated and math.isinf(scalars.best_value)

    def _scored(self, running: RunningStage) -> Preparation:
        """Return the point to score now, with what preparing it took."""
        judged = running.stage.judged
        if self.readout is not None and self._observed:
            scored = prepared(self.readout, running.stage.problem, self._books.ledger)
        else:
            best = self._books.scalars.best_point if running.batches is None and judged is None else None
            parameters = running.published if best is None or best.numel() != running.oracle.size else best
            scored = Preparation(running.point(parameters))
        return scored if judged is None else replace(scored, point=judged.point(scored.point))

    def _take(self, running: RunningStage, scored: Preparation, *, last: bool = False) -> None:
        ledger = self._books.ledger
        row = (
            running.index,
            ledger.steps,
            *(ledger.counts[kind] for kind in ("value", "gradient", "hessian_vector", "hessian")),
            ledger.examples + scored.examples,
            ledger.seconds + scored.seconds,
            ledger.cpu_seconds + scored.cpu_seconds,
            *(ledger.counts[kind] for kind in ("residuals", "jacobian")),
            ledger.cost + scored.cost,
            ledger.evaluations,
        )
        self._snapshots.take(row, scored.point, last=last)
