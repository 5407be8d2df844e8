"""Arms of a report that are options of problems, as initializers are: told apart as optimizers are.

The suite names the options (`arms = ["weights"]`). A report then compares arms on problems that lack these options: the
arm's recipe ends with a part named WITH that has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from optbench.records import Component, Entry, SuiteSpec, TrialRecord, TrialSpec
from optbench.report.naming import WITH, Info, Parts, base_labels, key_of, without_arm
from optbench.report.tuned import Labelled
from optbench.tuning import TunedArm


def arm_notes(suite: SuiteSpec, records: Sequence[TrialRecord], info: Info) -> Iterator[str]:
    """Yield what tells the arms apart, who trained them, and what their gaps are measured from."""
    trials = {key_of((*spec.recipe, spec.problem)): spec for record in records for spec in [record.spec]}.values()
    armed = [trial for trial in trials if trial.recipe[-1].name == WITH]
    if not armed:
        return
    names = base_labels([trial.recipe for trial in armed], info)
    where: dict[str, dict[str, None]] = {}
    for trial in armed:
        where.setdefault(names[key_of(without_arm(trial.recipe))], {})[trial.problem.short] = None
    by = ", ".join(f"{name} on {', '.join(problems)}" for name, problems in where.items())
    told = " and ".join(name for name in suite.arms if any(name in trial.recipe[-1].options for trial in armed))
    yield (
        f"The arms are values of {told}, all else alike, with {by}. They start at different values: gaps on a problem "
        "are measured from the median of all starts there."
    )


@dataclass(frozen=True)
class ProblemArms:
    """Takes what tells arms apart from the problems of a suite, and gives it to the recipes."""

    suite: SuiteSpec

    @cached_property
    def moved(self) -> Mapping[str, tuple[str, ...]]:
        """Return by problem the options that tell arms apart: those named, of which the suite has several values."""
        values: dict[str, dict[str, set[str]]] = {}
        for entry in self.suite.problems:
            own = values.setdefault(entry.use.name, {})
            for name in self.suite.arms:
                if name in entry.use.options:
                    own.setdefault(name, set()).add(repr(entry.use.options[name]))
        return {
            problem: tuple(name for name, found in own.items() if len(found) > 1) for problem, own in values.items()
        }

    def trial(self, trial: TrialSpec) -> TrialSpec:
        """Return the trial as it is compared."""
        problem, arm = self._split(trial.problem)
        return replace(trial, problem=problem, meta_algorithms=(*trial.meta_algorithms, *arm)) if arm else trial

    def tuned(self, arm: TunedArm) -> TunedArm:
        """Return what was tuned, at the place where it is compared."""
        return replace(arm, task=replace(arm.task, trial=self.trial(arm.task.trial)))

    def record(self, record: TrialRecord) -> TrialRecord:
        """Return the record of a trial as it is compared."""
        trial = self.trial(record.spec)
        return record if trial is record.spec else replace(record, spec=trial)

    def labelled(self, given: Labelled) -> Labelled:
        """Return the suite and its records as they are compared."""
        if not any(self.moved.values()):
            return given
        records = [self.record(record) for record in given.records]
        pairs = zip(given.records, records, strict=True)
        ids = {compared.id: given.trial(record.id) for record, compared in pairs}
        problems = {key_of((use,)): replace(entry, use=use) for entry, use, _ in self._entries(given.suite)}
        optimizers = tuple(self._optimizers(given.suite))
        return Labelled(replace(given.suite, problems=tuple(problems.values()), optimizers=optimizers), records, ids)

    def _optimizers(self, suite: SuiteSpec) -> Iterator[Entry]:
        """Yield each optimizer with each arm of the problems that it meets."""
        for optimizer in suite.optimizers:
            arms = {key_of(arm): arm for entry, _, arm in self._entries(suite) if {*entry.groups} & {*optimizer.groups}}
            for arm in arms.values():
                yield replace(optimizer, meta_algorithms=(*optimizer.meta_algorithms, *arm))

    def _entries(self, suite: SuiteSpec) -> Iterator[tuple[Entry, Component, Parts]]:
        for entry in suite.problems:
            yield (entry, *self._split(entry.use))

    def _split(self, problem: Component) -> tuple[Component, Parts]:
        """Return the problem without what tells arms apart, and the arm, which is empty where nothing does."""
        names = self.moved.get(problem.name, ())
        arm: dict[str, Any] = {name: problem.options[name] for name in names if name in problem.options}
        if not arm:
            return problem, ()
        kept = {name: value for name, value in problem.options.items() if name not in arm}
        return Component(name=problem.name, options=kept), (Component(name=WITH, options=arm),)
