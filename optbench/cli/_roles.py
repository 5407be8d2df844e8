"""What the results of a stored run are for: scored, tuned, or never measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from optbench.api import UserError
from optbench.cli._plan import Plan, Sorted
from optbench.records import Status, SuiteSpec, TrialRecord

if TYPE_CHECKING:
    from optbench.registry import Catalogue

NO_RESULT = "no result is stored: its device was absent, or the run was interrupted (`optbench suite` continues it)"


def by_role(spec: SuiteSpec, catalogue: Catalogue, records: Sequence[TrialRecord]) -> tuple[Sorted, list[TrialRecord]]:
    """Return the stored records by what they are for, and the plain trials of the suite that have no result.

    Those are refused ones, absent devices, what an interrupt left.
    """
    try:
        plan = Plan.of(spec, catalogue)
    except UserError as error:  # a plugin is gone since: what is stored is reported all the same
        if spec.tuning is None:
            return Sorted(list(records)), []
        return Sorted([record for record in records if _is_written(record, spec)], lost=str(error)), []
    stored = {record.id for record in records}
    missing = [*plan.plain.refused, *((trial, NO_RESULT) for trial in plan.plain.trials)]
    return plan.sort(records), [
        TrialRecord(spec=trial, status=Status.SKIPPED, reason=reason)
        for trial, reason in missing
        if trial.id not in stored
    ]


def _is_written(record: TrialRecord, spec: SuiteSpec) -> bool:
    """Tell whether the suite has this optimizer as it is, untuned, on a seed that scores; tuning tries it, too."""
    trial = record.spec
    recipes = ((entry.use, entry.meta_algorithms) for entry in spec.optimizers)
    return (trial.optimizer, trial.meta_algorithms) in recipes and trial.seed in {0, *spec.seeds}
