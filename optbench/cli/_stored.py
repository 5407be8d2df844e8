"""What `report` and `tuned` read: a run in a store, its records merged and scored anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from optbench.api import UserError, announce
from optbench.records import SuiteSpec, TrialRecord
from optbench.records.text import amount

if TYPE_CHECKING:
    from optbench.store import ResultKey, Run, Store


@dataclass(frozen=True)
class StoredRun:
    """A run with what it measured or reused."""

    run: Run
    spec: SuiteSpec
    found: Mapping[ResultKey, TrialRecord]  # of every pass
    records: list[TrialRecord]  # one a trial
    unreadable: int = 0  # results of another version's that can't be read

    @property
    def keys(self) -> dict[str, ResultKey]:
        """The keys of the time passes, by trial id."""
        return {key.id: key for key in self.found if key.pass_ == "time"}


def existing(store: str) -> str:
    """Return the location of a store; raises UserError where there is none."""
    from optbench.store.engine import database_path

    if not (path := database_path(store)).exists():
        raise UserError(f"no store at {path}", remedy="run `optbench suite` first, or name one with --store")
    return store


def latest(store: Store, suite: str | None, location: str) -> StoredRun:
    """Return the run that began last, of one suite where `suite` names it; raises UserError where there is none."""
    run = store.latest_run(suite)
    if run is None:
        remedy = "run `optbench suite` first" if suite is None else "`optbench list runs` tells what there is"
        raise UserError(f"no run of {suite or 'any suite'} in {location}", remedy=remedy)
    return _read(store, run)


def numbered(store: Store, number: int, location: str) -> StoredRun:
    """Return the run of that number; raises UserError where there is none."""
    run = store.run(number)
    if run is None:
        raise UserError(f"no run {number} in {location}", remedy="`optbench list runs` tells them")
    return _read(store, run)


def _read(store: Store, run: Run) -> StoredRun:
    """Return a run: what is derived from results is worked out anew."""
    from optbench.measure.reliability import with_spread
    from optbench.runner.scoring import Asked, rescored
    from optbench.runner.session import merge

    spec = SuiteSpec.from_json(run.suite)
    unreadable: list[ResultKey] = []
    announce(f"reading the results of run {run.id}")
    found = store.get(store.run_keys(run.id), unreadable)
    announce(f"scoring {amount(sum(key.pass_ == 'time' for key in found), 'trial')}")
    memory = {key.id: record for key, record in found.items() if key.pass_ == "memory"}
    asked = Asked(spec.targets, spec.weights)
    records = with_spread(
        [
            rescored(merge(record, memory.get(record.spec.memory_id)), asked, partial(store.trace, key))
            for key, record in found.items()
            if key.pass_ == "time"
        ]
    )
    return StoredRun(run, spec, found, records, len(unreadable))
