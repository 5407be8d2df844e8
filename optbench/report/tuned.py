"""Tuned optimizers in a report: each is an optimizer of its own, whose tuned options read "tuned"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from optbench.records import TUNED, Component, Entry, Space, SuiteSpec, TrialRecord
from optbench.report.naming import Parts, key_of
from optbench.tuning import TunedArm


@dataclass(frozen=True)
class Labelled:
    """A suite and its scored records as a report compares them."""

    suite: SuiteSpec  # tuned optimizers stand beside the untuned ones; gates and pairings mean the tuned ones
    records: list[TrialRecord] = field(default_factory=list)
    ids: Mapping[str, str] = field(default_factory=dict)  # id of a tuned record -> that of the trial that was run

    def trial(self, record: str) -> str:
        """Return the id of the trial that was run."""
        return self.ids.get(record, record)


def label_tuned(suite: SuiteSpec, plain: Sequence[TrialRecord], arms: Iterable[TunedArm]) -> Labelled:
    """Return the suite and the records with their tuned optimizers.

    The settings that were chosen differ from problem to problem and from tuning to tuning; in the report they are one
    optimizer. What the choices of several tunings score on a seed counts as repetitions of that seed.
    """
    if suite.tuning is None:
        return Labelled(suite, list(plain))
    records, ids = list(plain), {}
    for arm in arms:
        for record, run in _of(arm, suite.repetitions):
            records.append(record)
            ids[record.id] = run.id
    return Labelled(_with_tuned(suite), records, ids)


def tuned_recipe(recipe: Parts, space: Space) -> Parts:
    """Return the recipe whose tuned options read "tuned"."""
    optimizer, *metas = recipe
    options = {**optimizer.options, **{part.option: TUNED for part in space}}
    return (Component(name=optimizer.name, options=options), *metas)


def _of(arm: TunedArm, repetitions: int) -> Iterator[tuple[TrialRecord, TrialRecord]]:
    for choice, rows in zip(arm.choices, arm.scored, strict=True):
        for run in rows:
            repetition = choice.repeat * repetitions + run.spec.repetition
            optimizer, *_ = tuned_recipe((run.spec.optimizer,), arm.task.space)
            yield replace(run, spec=replace(run.spec, optimizer=optimizer, repetition=repetition)), run


def _with_tuned(suite: SuiteSpec) -> SuiteSpec:
    tuned = {key_of(entry.recipe): tuned_recipe(entry.recipe, entry.space) for entry in suite.optimizers if entry.space}

    def scored(recipe: Parts) -> Parts:
        return tuned.get(key_of(recipe), recipe)

    ablations = (
        replace(item, **{name: scored(getattr(item, name)) for name in ("base", "present", "absent")})
        for item in suite.ablations
    )
    return replace(
        suite,
        ablations=tuple(ablations),
        optimizers=tuple(entry for given in suite.optimizers for entry in _entries(given, suite)),
        gates=tuple(replace(gate, optimizers=tuple(map(scored, gate.optimizers))) for gate in suite.gates),
        pairings=tuple(replace(pair, first=scored(pair.first), second=scored(pair.second)) for pair in suite.pairings),
    )


def _entries(entry: Entry, suite: SuiteSpec) -> Iterator[Entry]:
    if not entry.space or (suite.tuning is not None and suite.tuning.untuned):
        yield replace(entry, space=())
    if entry.space:
        optimizer, *_ = tuned_recipe((entry.use,), entry.space)
        yield replace(entry, use=optimizer, space=())
