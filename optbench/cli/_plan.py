"""What a suite runs: its plain trials, and around them the tuning where it tunes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optbench.api import Planner
    from optbench.records import SuiteSpec, TrialRecord, TrialSpec
    from optbench.registry import Catalogue
    from optbench.suites import SuitePlanner
    from optbench.tuning import Choice, TunedArm


@dataclass(frozen=True)
class Sorted:
    """The records of a run by what they are for; tuning's own trials are in none but their arm."""

    plain: list[TrialRecord]
    arms: tuple[TunedArm, ...] = ()
    lost: str = ""  # why nothing can be told of what was tuned, where it can't


@dataclass(frozen=True)
class Plan:
    """A suite's planner, and the plain trials within it."""

    plain: SuitePlanner
    planner: Planner
    tuned: Any = None  # the TuningPlanner, where the suite tunes

    @classmethod
    def of(cls, spec: SuiteSpec, catalogue: Catalogue) -> Plan:
        """Plan the suite; names must stand in the catalogue (UserError)."""
        from optbench.suites import SuitePlanner
        from optbench.tuning import TuningPlanner

        plain = SuitePlanner(spec, catalogue)
        if spec.tuning is None:
            return cls(plain, plain)
        tuned = TuningPlanner(plain, spec)
        return cls(plain, tuned, tuned)

    @property
    def examples(self) -> Sequence[TrialSpec]:
        """Trials that name every plugin which runs."""
        return [*self.plain.trials, *(task.trial for task in self.plain.tasks)]

    @property
    def expected(self) -> int:
        """How many trials there are at most."""
        return len(self.plain.trials) if self.tuned is None else int(self.tuned.expected)

    def sort(self, records: Iterable[TrialRecord]) -> Sorted:
        """Return the records by what they are for."""
        if self.tuned is None:
            return Sorted(list(records))
        outcome = self.tuned.outcome(records)
        return Sorted(list(outcome.plain), outcome.arms)


def plain_rows(records: Iterable[TrialRecord], spec: SuiteSpec) -> list[dict[str, Any]]:
    """Return the rows of `--json` of what isn't tuned; suites that tune say so."""
    untuned = {} if spec.tuning is None else {"tuning": None}
    return [{**record.to_row(), **untuned} for record in records]


def tuned_rows(arms: Iterable[TunedArm], spec: SuiteSpec) -> list[dict[str, Any]]:
    """Return a row for each choice and scoring trial: what was tuned, how, and what that took."""
    if spec.tuning is None:
        return []
    method = "stored" if spec.tuning.stored else spec.tuning.method
    return [
        {**record.to_row(), "tuning": {"method": method, "select": arm.task.select.name, **_tuning(choice)}}
        for arm in arms
        for choice, scored in zip(arm.choices, arm.scored, strict=True)
        for record in scored
    ]


def _tuning(choice: Choice) -> dict[str, Any]:
    return {"repeat": choice.repeat, "options": choice.options, "edge": list(choice.edge), **choice.cost}
