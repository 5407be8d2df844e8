"""Narrowing a suite (`--only`) and changing it (`--device`, `--seeds`, `--budget`, …) from the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from optbench.api import UserError
from optbench.records import Budget, Component, Entry, SuiteSpec
from optbench.records.nearest import suggestion
from optbench.suites import spellings
from optbench.suites.gates import has_trials
from optbench.suites.pairings import are_left

_SELECTORS: dict[str, Callable[[Entry], tuple[Component, ...]]] = {
    "problem": lambda entry: (entry.use,),
    "optimizer": lambda entry: (entry.use,),
    "meta-algorithm": lambda entry: entry.meta_algorithms,
}


def select(spec: SuiteSpec, only: Iterable[str]) -> SuiteSpec:
    """Return the suite with the entries that `only` names: "optimizer=lbfgs", "problem=quad*", "meta-algorithm=polyak".

    Patterns of one key add up, those of different keys narrow. A pattern matches a short or a qualified name, with
    shell wildcards. Gates that are left without a trial, and comparisons without one of
    the two arms, are left out. Raises UserError where a pattern matches nothing.
    """
    patterns: dict[str, list[str]] = {}
    for text in only:
        key, pattern = _filter(text)
        patterns.setdefault(key, []).append(pattern)
    for key, wanted in patterns.items():
        if key == "problem":
            spec = replace(spec, problems=_matching(spec.problems, key, wanted))
        else:
            spec = replace(spec, optimizers=_matching(spec.optimizers, key, wanted))
    return replace(
        spec,
        gates=tuple(gate for gate in spec.gates if has_trials(gate, spec)),
        pairings=tuple(pairing for pairing in spec.pairings if are_left(spec, pairing.first, pairing.second)),
        ablations=tuple(item for item in spec.ablations if are_left(spec, item.present, item.absent)),
    )


def override(
    spec: SuiteSpec,
    *,
    devices: str | Sequence[str] | None = None,
    dtypes: str | Sequence[str] | None = None,
    seeds: str | int | Sequence[int] | None = None,
    repetitions: int | None = None,
    threads: int | None = None,
    budget: str | None = None,
    memory: bool | None = None,
) -> SuiteSpec:
    """Return the suite with what is given instead of what its file says; raises UserError.

    `budget` ("500", "30s", "evaluations=500,seconds=30") replaces every limit, of each problem too; targets that end a
    trial stay. `seeds` is a number of seeds, or a list ("0,3,7"). `dtypes` holds for each problem.
    """
    try:
        changes = _changes(devices=devices, dtypes=dtypes, seeds=seeds)
        limits = None if budget is None else spellings.budget(budget)
    except ValueError as error:
        raise UserError(str(error)) from None
    plain = {"repetitions": repetitions, "threads": threads, "memory": memory}
    changes |= {key: value for key, value in plain.items() if value is not None}
    for key in ("repetitions", "threads"):
        if changes.get(key, 1) < 1:
            raise UserError(f"{key}: given {changes[key]}", "allowed: 1 or more")
    spec = replace(spec, **changes)
    if dtypes is not None:
        spec = replace(spec, problems=tuple(replace(entry, dtype=None) for entry in spec.problems))
    return spec if limits is None else _limited(spec, limits)


def _changes(*, devices: Any, dtypes: Any, seeds: Any) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if devices is not None:
        changes["devices"] = tuple(spellings.device(item) for item in spellings.listed(devices))
    if dtypes is not None:
        changes["dtypes"] = tuple(spellings.dtype(item) for item in spellings.listed(dtypes))
    if seeds is not None:
        changes["seeds"] = spellings.seeds(_numbers(seeds) if isinstance(seeds, str) else seeds)
    return changes


def _numbers(text: str) -> Any:
    """Return "5" as 5 and "0,3" as [0, 3]; what is neither is returned as it is, for the message."""
    items = [item.strip() for item in text.split(",")]
    if not all(item.isascii() and item.isdigit() for item in items):
        return text
    return int(items[0]) if len(items) == 1 else [int(item) for item in items]


def _limited(spec: SuiteSpec, limits: dict[str, Any]) -> SuiteSpec:
    def changed(budget: Budget) -> Budget:
        return Budget(**limits, targets=budget.targets)

    problems = (
        entry if entry.budget is None else replace(entry, budget=changed(entry.budget)) for entry in spec.problems
    )
    return replace(spec, budget=changed(spec.budget), problems=tuple(problems))


def _filter(text: str) -> tuple[str, str]:
    key, _, pattern = (part.strip() for part in text.partition("="))
    if key in _SELECTORS and pattern:
        return key, pattern
    allowed = f"allowed: {', '.join(f'{name}=NAME' for name in _SELECTORS)}"
    raise UserError(f"filter {text!r}", allowed, suggestion(key, _SELECTORS))


def _matching(entries: tuple[Entry, ...], key: str, patterns: list[str]) -> tuple[Entry, ...]:
    selector = _SELECTORS[key]
    names = sorted({component.short for entry in entries for component in selector(entry)})
    for pattern in patterns:
        if not any(_matches(component, pattern) for entry in entries for component in selector(entry)):
            allowed = f"{key}s of the suite: {', '.join(names) or 'none'}"
            raise UserError(f"no {key} of the suite matches {pattern!r}", allowed, suggestion(pattern, names))
    return tuple(
        entry
        for entry in entries
        if any(_matches(component, pattern) for component in selector(entry) for pattern in patterns)
    )


def _matches(component: Component, pattern: str) -> bool:
    return fnmatchcase(component.short, pattern) or fnmatchcase(component.name, pattern)
