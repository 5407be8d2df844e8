"""The gates of a suite file: what they select is looked up among the file's entries."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from optbench.records import Entry, Gate, SuiteSpec
from optbench.suites.mistakes import Mistake
from optbench.suites.picking import EntryPicker
from optbench.suites.schema import GateTable

if TYPE_CHECKING:
    from optbench.registry import Catalogue

_PLACE = re.compile(r"gate\[(\d+)\]")


def read_gates(
    tables: Sequence[GateTable], spec: SuiteSpec, catalogue: Catalogue
) -> tuple[tuple[Gate, ...], list[Mistake]]:
    """Return the gates over the entries of `spec`, and everything that is wrong with them."""
    picker = EntryPicker(catalogue)
    gates = tuple(_gate(f"gate[{index}]", table, spec, picker) for index, table in enumerate(tables))
    repeated = [name for name, count in Counter(table.name for table in tables).items() if count > 1]
    return gates, [*picker.mistakes, *(Mistake("gate", f"the name {name!r} stands twice") for name in repeated)]


def with_names(mistakes: Iterable[Mistake], data: Mapping[str, Any]) -> list[Mistake]:
    """Return the mistakes, those of gates with the names that the file gives to them."""
    return [replace(mistake, name=_given_name(mistake.key, data.get("gate"))) for mistake in mistakes]


def _given_name(key: str, tables: Any) -> str:
    found = _PLACE.match(key)
    if found is None or not isinstance(tables, list) or not isinstance(tables[int(found[1])], dict):
        return ""
    return str(tables[int(found[1])].get("name", ""))


def has_trials(gate: Gate, spec: SuiteSpec) -> bool:
    """Tell whether the suite has a trial that the gate judges."""
    problems = [entry for entry in spec.problems if entry.use in gate.problems]
    optimizers = [entry for entry in spec.optimizers if entry.recipe in gate.optimizers]
    return _meet(problems, optimizers)


def _gate(key: str, table: GateTable, spec: SuiteSpec, picker: EntryPicker) -> Gate:
    """Return the gate, of no trial where it has a mistake."""
    problems = picker.problems(f"{key}.problem", table.problem, spec.problems)
    optimizers = picker.optimizers(f"{key}.optimizer", table.optimizer, spec.optimizers)
    if problems and optimizers and not _meet(problems, optimizers):
        picker.add(key, "selects no trial: its problem and its optimizer share no group")
    if table.target is not None and table.target not in spec.targets:
        picker.add(f"{key}.target", f"given {table.target!r}; the suite's targets: {', '.join(spec.targets)}")
    return Gate(
        problems=tuple(entry.use for entry in problems),
        optimizers=tuple(entry.recipe for entry in optimizers),
        target=table.target or "",
        tolerance=_absolute_tolerance(table),
        **table.model_dump(include={"name", "statement", "quantity", "scale", "expected", "at_most", "at_least"}),
    )


def _meet(problems: Sequence[Entry], optimizers: Sequence[Entry]) -> bool:
    return any(set(problem.groups) & set(optimizer.groups) for problem in problems for optimizer in optimizers)


def _absolute_tolerance(table: GateTable) -> float | None:
    if table.relative_tolerance is None or table.expected is None:
        return table.tolerance
    return table.relative_tolerance * abs(table.expected)
