"""From a trial to what a child needs (Job) and to what its result is stored under (ResultKey)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optbench.api import DataSetPlugin
from optbench.api.data_files import input_digest
from optbench.records import Job, Pass, TrialSpec
from optbench.registry import Catalogue, NamedPlugin, Registered, named_factories, named_plugins, source_hash
from optbench.runner.sources import engine_hash
from optbench.store import ResultKey


@dataclass(frozen=True)
class Parts:
    """The plugins behind a trial."""

    problem: Registered
    optimizer: Registered
    meta_algorithms: tuple[Registered, ...]
    metrics: tuple[Registered, ...]
    named: Mapping[str, NamedPlugin]  # by the problem's option that names it

    @property
    def all(self) -> tuple[Registered, ...]:
        """Every plugin, metrics included."""
        named = (registered for registered, _ in self.named.values())
        return (self.problem, self.optimizer, *self.meta_algorithms, *self.metrics, *named)


class JobFactory:
    """Makes jobs and keys for the trials of one run."""

    def __init__(self, catalogue: Catalogue, *, machine: str, metrics: Iterable[str] = ()) -> None:
        """`machine` is the environment's fingerprint; `metrics` are names, evaluated on each trial's snapshots."""
        self._catalogue, self._machine = catalogue, machine
        self._metrics = tuple(catalogue.get("metrics", name) for name in metrics)
        self._meters = catalogue.implementers("optbench_make_meter")
        self._datasets = catalogue.implementers("optbench_datasets")

    def parts(self, spec: TrialSpec) -> Parts:
        """Return the plugins behind a trial."""
        get = self._catalogue.get
        problem = get("problems", spec.problem.name)
        return Parts(
            problem=problem,
            optimizer=get("optimizers", spec.optimizer.name),
            meta_algorithms=tuple(get("meta-algorithms", meta.name) for meta in spec.meta_algorithms),
            metrics=self._metrics,
            named=named_plugins(self._catalogue, problem, spec.problem.options),
        )

    def key(self, spec: TrialSpec, pass_: Pass) -> ResultKey:
        """Return what the result of a pass is stored under: metrics belong to the pass "time"."""
        parts = self.parts(spec)
        sources = {source_hash(part) for part in parts.all} | _inputs(parts.named)
        joined = hashlib.sha256("\0".join([engine_hash(), *sorted(sources)]).encode()).hexdigest()[:16]
        return ResultKey(spec.memory_id if pass_ in ("memory", "projection") else spec.id, pass_, self._machine, joined)

    def job(self, spec: TrialSpec, pass_: Pass, folder: Path, memory_limit: int | None) -> Job:
        """Return the job of a pass, to be run in `folder`."""
        parts = self.parts(spec)
        asked = parts.optimizer.record.evaluations if parts.optimizer.plugin else ()
        return Job(
            spec=spec,
            pass_=pass_,
            problem_factory=parts.problem.record.factory,
            optimizer_factory=parts.optimizer.record.factory,
            meta_factories=tuple(meta.record.factory for meta in parts.meta_algorithms),
            named_factories=named_factories(parts.named),
            bounds={name: (option.low, option.high) for name, option in parts.problem.record.options.items()},
            metric_factories={metric.name: (metric.record.factory, defaults(metric)) for metric in parts.metrics},
            declared=tuple(sorted(asked)),
            meter_factories=tuple(f"{source.module}:optbench_make_meter" for source in self._meters),
            dataset_modules={source.name: source.module for source in self._datasets},
            plugin_files={
                **{part.module: str(part.path) for part in parts.all if part.plugin and not part.distribution},
                **{x.module: str(x.path) for x in (*self._meters, *self._datasets) if not x.distribution},
            },
            folder=str(folder),
            memory_limit=memory_limit,
        )


def _inputs(named: Mapping[str, NamedPlugin]) -> set[str]:
    """Return the hashes of the user's own files that data sets are made from."""
    sets = [(item.record, given) for item, given in named.values() if isinstance(item.record, DataSetPlugin)]
    return {input_digest(given[name]) for record, given in sets for name in record.inputs if given[name]}


def modules(catalogue: Catalogue, specs: Iterable[TrialSpec], metrics: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the modules that trials import, of installed plugins only: those of files stay in the child."""
    names = {("metrics", name) for name in metrics}
    named: list[Registered] = []
    for spec in specs:
        problem = catalogue.get("problems", spec.problem.name)
        named += [registered for registered, _ in named_plugins(catalogue, problem, spec.problem.options).values()]
        names |= {("problems", spec.problem.name), ("optimizers", spec.optimizer.name)}
        names |= {("meta-algorithms", meta.name) for meta in spec.meta_algorithms}
    found = [*(catalogue.get(kind, name) for kind, name in names), *named]
    return tuple(sorted({part.record.factory.partition(":")[0] for part in found if part.distribution}))


def defaults(registered: Registered) -> dict[str, Any]:
    """Return the default of each option of a plugin."""
    return {name: option.default for name, option in registered.record.options.items()}
