"""Who and what a report compares: its optimizers and problems, with their labels, in the suite's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optbench.records import Component, ReportOptimizer, ReportProblem, SuiteSpec, TrialRecord
from optbench.report.describing import described
from optbench.report.naming import Info, Parts, expression, key_of, labels, slugs


@dataclass(frozen=True)
class Case:
    """What distinguishes a problem: times on two devices, or errors in two precisions, are not compared."""

    component: Component
    device: str
    dtype: str

    @property
    def key(self) -> str:
        """What tells it from others."""
        return f"{key_of((self.component,))} {self.device} {self.dtype}"


def case_of(record: TrialRecord) -> Case:
    """Return the problem of a trial."""
    return Case(record.spec.problem, record.spec.device, record.spec.dtype)


def list_optimizers(suite: SuiteSpec, records: Sequence[TrialRecord], info: Info) -> dict[str, ReportOptimizer]:
    """Return the optimizers that have results, by key, in the suite's order."""
    order = [key_of(entry.recipe) for entry in suite.optimizers]
    found = _ordered({key_of(record.spec.recipe): record.spec.recipe for record in records}, order)
    uses = {key_of(record.spec.recipe) for record in records if record.counts.get("gradient", 0)}
    names = labels(list(found.values()), info)
    optimizers = {}
    for (key, parts), label, slug in zip(found.items(), names, slugs(names), strict=True):
        about = info.get(parts[0].name, {})
        optimizers[key] = ReportOptimizer(
            id=slug,
            label=label,
            expression=expression(parts),
            family=str(about.get("family") or parts[0].name.rpartition("/")[0] or "other"),
            summary=str(about.get("summary", "")),
            cite=str(about.get("cite", "")),
            state_memory=str(about.get("state_memory", "")),
            gradients=key in uses,
            parts=described(parts, info),
        )
    return optimizers


def list_problems(suite: SuiteSpec, records: Sequence[TrialRecord], info: Info) -> dict[str, ReportProblem]:
    """Return the problems that have results, by key, in the suite's order."""
    order = [key_of((entry.use,)) for entry in suite.problems]
    components = _ordered({key_of((r.spec.problem,)): (r.spec.problem,) for r in records}, order)
    rank = {key: index for index, key in enumerate(components)}
    found = {case.key: case for case in map(case_of, records)}
    cases = sorted(found.values(), key=lambda case: rank[key_of((case.component,))])
    names = dict(zip(components, labels(list(components.values()), info), strict=True))
    shown = [names[key_of((case.component,))] + _variant(case, cases) for case in cases]
    first: dict[str, TrialRecord] = {}
    for record in sorted(records, key=lambda record: record.size is None):
        first.setdefault(case_of(record).key, record)
    return {
        case.key: _problem(case, label, slug, first[case.key], info)
        for case, label, slug in zip(cases, shown, slugs(shown), strict=True)
    }


def _variant(case: Case, cases: Sequence[Case]) -> str:
    """Name the device or precision where the same problem ran on several."""
    same = [other for other in cases if other.component == case.component]
    told = [case.device] if len({other.device for other in same}) > 1 else []
    told += [case.dtype] if len({other.dtype for other in same}) > 1 else []
    return f" [{', '.join(told)}]" if told else ""


def _problem(case: Case, label: str, slug: str, record: TrialRecord, info: Info) -> ReportProblem:
    about = info.get(case.component.name, {})
    return ReportProblem(
        id=slug,
        label=label,
        expression=expression((case.component,)),
        kind=str(about.get("kind") or "other"),
        device=case.device,
        dtype=case.dtype,
        size=record.size,
        batch_size=record.batch_size,
        summary=str(about.get("summary", "")),
        cite=str(about.get("cite", "")),
        deterministic=record.batch_size is None,
        parts=described((case.component,), info),
    )


def _ordered(found: Mapping[str, Parts], order: Sequence[str]) -> dict[str, Parts]:
    rank = {key: index for index, key in reversed(list(enumerate(order)))}
    return dict(sorted(found.items(), key=lambda item: rank.get(item[0], len(order))))
