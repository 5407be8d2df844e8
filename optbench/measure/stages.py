"""What each stage of a trial is, cost and came to."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field

from optbench.api import Recipe, Refused
from optbench.measure.event_log import EventLog
from optbench.measure.ledger import Ledger
from optbench.records import Budget, StageFacts, StageRecord, finite


def stage_facts(recipe: Recipe) -> tuple[StageFacts, ...]:
    """Return what is known of the stages before they run."""
    return tuple(
        StageFacts(name=name, on_curve=stage.on_curve, prior=stage.prior)
        for name, stage in zip(recipe.names, recipe.stages, strict=True)
    )


def require_flops(recipe: Recipe, budget: Budget) -> None:
    """Raise Refused where the budget is one of FLOPs that a stage's problem does not state: it would never end."""
    if budget.flops is None:
        return
    for name, stage in zip(recipe.names, recipe.stages, strict=True):
        if not getattr(stage.problem, "forward_flops", 0):
            message = f"a budget of model FLOPs wants problems that state theirs; that of stage {name!r} does not"
            raise Refused(message)


@dataclass
class StageTally:
    """Writes a record for each stage, of what the ledger says more at its end than at its beginning."""

    ledger: Ledger
    log: EventLog
    records: list[StageRecord] = field(default_factory=list)

    def begin(self) -> None:
        """Look at the ledger before a stage."""
        ledger = self.ledger
        self._counts, self._flops = ledger.snapshot(), ledger.cost
        self._seconds, self._cpu_seconds, self._row = ledger.seconds, ledger.cpu_seconds, self.log.rows

    def end(self, facts: StageFacts, reason: str, value: float | None, *, knows_flops: bool) -> None:
        """Add the stage that ended."""
        ledger = self.ledger
        record = StageRecord(
            **asdict(facts),
            first_event=self._row,
            counts={kind: count - self._counts[kind] for kind, count in ledger.snapshot().items()},
            flops=ledger.cost - self._flops if knows_flops else None,
            seconds=ledger.seconds - self._seconds,
            cpu_seconds=ledger.cpu_seconds - self._cpu_seconds,
            value=finite(math.nan if value is None else value),
            reason=reason,
        )
        self.records.append(record)
