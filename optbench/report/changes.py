"""Two sets of results, before and after: which arm of one is which of the other.

Arms (an optimizer with its meta-algorithms) and problems are paired by identity; what has no equal on the other side
is paired by its name where that is unique, so that a new option does not end a history.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from optbench.records import TrialRecord
from optbench.report.naming import Info, Parts, expression, key_of, labels


@dataclass(frozen=True)
class Arm:
    """An optimizer with its meta-algorithms, and its trials."""

    parts: Parts
    trials: Sequence[TrialRecord]

    @property
    def names(self) -> str:
        """The names without options."""
        return " + ".join(part.name for part in self.parts)


def arms(records: Iterable[TrialRecord]) -> tuple[Arm, ...]:
    """Return the arms of these trials."""
    return tuple(_arms(records).values())


def _arms(records: Iterable[TrialRecord]) -> dict[str, Arm]:
    trials: dict[str, list[TrialRecord]] = defaultdict(list)
    parts: dict[str, Parts] = {}
    for record in records:
        recipe = record.spec.recipe
        trials[key := key_of(recipe)].append(record)
        parts[key] = recipe
    return {key: Arm(parts[key], rows) for key, rows in trials.items()}


@dataclass(frozen=True)
class Pair:
    """One arm of before and what it is compared with."""

    label: str
    before: Sequence[TrialRecord]
    after: Sequence[TrialRecord]


def paired_arms(
    before: Sequence[TrialRecord], after: Sequence[TrialRecord], info: Info
) -> tuple[list[Pair], list[str]]:
    """Return the arms that both sides have, and sentences on those that only one has."""
    first, second = _arms(before), _arms(after)
    matched = matching({key: arm.names for key, arm in first.items()}, {key: arm.names for key, arm in second.items()})
    parts = {key: arm.parts for key, arm in {**first, **second}.items()}
    label = dict(zip(parts, labels(list(parts.values()), info), strict=True))
    for one, other in matched.items():
        if one != other and label[one] == label[other]:
            label |= {key: expression(parts[key]) for key in (one, other)}
    pairs = [
        Pair(label[one] if one == other else f"{label[one]} → {label[other]}", first[one].trials, second[other].trials)
        for one, other in matched.items()
    ]
    missing = [f"{label[key]}: only before" for key in first if key not in matched]
    missing += [f"{label[key]}: only after" for key in second if key not in matched.values()]
    return pairs, missing


def problem_labels(records: Sequence[TrialRecord], info: Info) -> Callable[[TrialRecord], str]:
    """Return what names a record's problem: with its device and precision where that tells it from others."""
    components = {key_of((record.spec.problem,)): (record.spec.problem,) for record in records}
    names = dict(zip(components, labels(list(components.values()), info), strict=True))
    devices, dtypes = ({getattr(record.spec, field) for record in records} for field in ("device", "dtype"))

    def label(record: TrialRecord) -> str:
        variant = [record.spec.device] if len(devices) > 1 else []
        variant += [record.spec.dtype] if len(dtypes) > 1 else []
        return names[key_of((record.spec.problem,))] + (f" [{', '.join(variant)}]" if variant else "")

    return label


def matching(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Return which key of before is which of after: equal keys, then keys of one name that is unique on both sides."""
    found = {key: key for key in before if key in after}
    left = _unique({key: name for key, name in before.items() if key not in after})
    right = _unique({key: name for key, name in after.items() if key not in before})
    by_name = {name: key for key, name in right.items()}
    return found | {key: by_name[name] for key, name in left.items() if name in by_name}


def _unique(names: Mapping[str, str]) -> dict[str, str]:
    counts = Counter(names.values())
    return {key: name for key, name in names.items() if counts[name] == 1}
