"""The gates of a suite file: what they select is looked up among the file's entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from optbench.api import UserError
from optbench.records import Call, Component, Entry, Gate, SuiteSpec
from optbench.registry.nearest import suggestion
from optbench.registry.resolving import parse_text, resolve
from optbench.suites.mistakes import Mistake
from optbench.suites.schema import GateTable

if TYPE_CHECKING:
    from optbench.registry import Catalogue

Parts = tuple[Component, ...]


def read_gates(
    tables: Sequence[GateTable], spec: SuiteSpec, catalogue: Catalogue
) -> tuple[tuple[Gate, ...], list[Mistake]]:
    """Return the gates over the entries of `spec`, and everything that is wrong with them."""
    reader = _GateReader(spec, catalogue)
    gates = tuple(reader.gate(f"gate[{index}]", table) for index, table in enumerate(tables))
    repeated = [name for name, count in Counter(table.name for table in tables).items() if count > 1]
    return gates, [*reader.mistakes, *(Mistake("gate", f"the name {name!r} stands twice") for name in repeated)]


def has_trials(gate: Gate, spec: SuiteSpec) -> bool:
    """Tell whether the suite has a trial that the gate judges."""
    problems = [entry for entry in spec.problems if entry.use in gate.problems]
    optimizers = [entry for entry in spec.optimizers if _recipe(entry) in gate.optimizers]
    return _meet(problems, optimizers)


class _GateReader:
    """Looks up what gates select; goes on after a mistake, so that all are found."""

    def __init__(self, spec: SuiteSpec, catalogue: Catalogue) -> None:
        self.mistakes: list[Mistake] = []
        self._spec, self._catalogue = spec, catalogue

    def gate(self, key: str, table: GateTable) -> Gate:
        """Return the gate, of no trial where it has a mistake."""
        spec = self._spec
        problems = self._selected(f"{key}.problem", table.problem, spec.problems, lambda entry: (entry.use,))
        optimizers = self._selected(f"{key}.optimizer", table.optimizer, spec.optimizers, _recipe)
        if problems and optimizers and not _meet(problems, optimizers):
            self._add(key, "selects no trial: its problem and its optimizer share no group")
        if table.target is not None and table.target not in spec.targets:
            self._add(f"{key}.target", f"given {table.target!r}; the suite's targets: {', '.join(spec.targets)}")
        return Gate(
            problems=tuple(entry.use for entry in problems),
            optimizers=tuple(_recipe(entry) for entry in optimizers),
            target=table.target or "",
            tolerance=_absolute_tolerance(table),
            **table.model_dump(include={"name", "statement", "quantity", "scale", "expected", "at_most", "at_least"}),
        )

    def _selected(
        self, key: str, text: str, entries: Sequence[Entry], parts_of: Callable[[Entry], Parts]
    ) -> list[Entry]:
        """Return the entries that have the names, and the options as far as `text` writes them."""
        kind = key.rpartition(".")[2]
        try:
            wanted = list(self._written(f"{kind}s", parse_text(text)))
        except UserError as error:
            self._add(key, str(error))
            return []
        found = [entry for entry in entries if _matches(parts_of(entry), wanted)]
        if not found:
            names = sorted({" + ".join(part.short for part in parts_of(entry)) for entry in entries})
            allowed = f"given {text!r}; matches no {kind} of the suite: {', '.join(names)}"
            self._add(key, "; ".join(filter(None, (allowed, suggestion(text, names)))))
        return found

    def _written(self, kind: str, calls: Sequence[Call]) -> Iterator[Component]:
        """Yield each term with a qualified name and only the options that were written, each in its normal form."""
        for place, call in enumerate(calls):
            component = resolve(self._catalogue, "meta-algorithms" if place else kind, call)
            yield Component(name=component.name, options={key: component.options[key] for key in call.options})

    def _add(self, key: str, message: str) -> None:
        self.mistakes.append(Mistake(key, message))


def _recipe(entry: Entry) -> Parts:
    return (entry.use, *entry.meta_algorithms)


def _matches(parts: Parts, wanted: Sequence[Component]) -> bool:
    return len(parts) == len(wanted) and all(
        part.name == like.name and all(part.options.get(key) == value for key, value in like.options.items())
        for part, like in zip(parts, wanted, strict=True)
    )


def _meet(problems: Sequence[Entry], optimizers: Sequence[Entry]) -> bool:
    return any(set(problem.groups) & set(optimizer.groups) for problem in problems for optimizer in optimizers)


def _absolute_tolerance(table: GateTable) -> float | None:
    if table.relative_tolerance is None or table.expected is None:
        return table.tolerance
    return table.relative_tolerance * abs(table.expected)
