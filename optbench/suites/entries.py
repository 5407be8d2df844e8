"""The problems, optimizers and metrics of a suite file, looked up and expanded; mistakes are collected."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from optbench.api import UserError
from optbench.records import Ablation, Budget, Call, Component, Entry
from optbench.registry.resolving import examine, parse_text
from optbench.suites.ablating import MOST_FACTORS, Parts, ablations, arms, switched
from optbench.suites.mistakes import Mistake
from optbench.suites.schema import BudgetTable, EntryTable, OptimizerTable, ProblemTable, SuiteTable, TuningTable
from optbench.suites.spaces import read_space

if TYPE_CHECKING:
    from optbench.registry import Catalogue


def budget_of(table: BudgetTable, fallback: BudgetTable | None = None) -> Budget:
    """Return the budget that a table states; what it leaves out comes from `fallback`."""
    values = {**(_given(fallback) if fallback is not None else {}), **_given(table)}
    return Budget(**{**values, "targets": tuple(values.get("targets", ()))})


def _given(table: BudgetTable) -> dict[str, Any]:
    return table.model_dump(exclude_none=True)


class EntryReader:
    """Looks up what the entries name; goes on after a mistake, so that all are found."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Start without mistakes."""
        self.catalogue = catalogue
        self.mistakes: list[Mistake] = []
        self.ablations: list[Ablation] = []  # of the optimizers that were read

    def problem(self, index: int, table: ProblemTable, fallback: BudgetTable) -> Iterator[Entry]:
        """Yield an entry for each point of the problem's grid; `fallback` is the suite's budget."""
        key = f"problem[{index}]"
        budget = budget_of(table.budget, fallback) if _given(table.budget) else None
        calls = self._calls(f"{key}.use", table.use)
        if len(calls) > 1:
            self._add(f"{key}.use", f"given {table.use!r}; a problem takes no '+'; meta-algorithms go with optimizers")
            return
        for use in self._expanded("problems", key, calls[:1], table):
            yield Entry(use=use, groups=tuple(table.groups), budget=budget, dtype=table.dtype)

    def optimizer(self, index: int, table: OptimizerTable, tuning: TuningTable | None = None) -> Iterator[Entry]:
        """Yield an entry for each arm at each point of the optimizer's grid, with what is tuned of it."""
        key = f"optimizer[{index}]"
        calls = self._calls(f"{key}.use", table.use)
        metas = self._meta_algorithms(f"{key}.use", calls[1:])
        factors = self._factors(key, table, metas)
        for use in self._expanded("optimizers", key, calls[:1], table):
            written = {*calls[0].options, *table.grid}
            space, mistakes = read_space(self.catalogue, use, table, written, tuning)
            for place, message in mistakes:
                self._add(f"{key}.{place}", message)
            self.ablations += ablations((use, *metas), factors, table.ablate_mode)
            for switches in arms(factors, table.ablate_mode):
                chosen = (*metas, *switched(factors, switches))
                yield Entry(use=use, meta_algorithms=chosen, groups=tuple(table.groups), space=space)

    def _meta_algorithms(self, key: str, calls: Sequence[Call]) -> Parts:
        looked_up = (self._component("meta-algorithms", call, key) for call in calls)
        return tuple(component for component in looked_up if component is not None)

    def _factors(self, key: str, table: OptimizerTable, always: Parts) -> tuple[Parts, ...]:
        """Return what is switched on and off: one meta-algorithm each, or several joined by `+`."""
        if not table.ablate and "ablate_mode" in table.model_fields_set:
            self._add(f"{key}.ablate_mode", "given without `ablate`, which says what is switched on and off")
        if len(table.ablate) > MOST_FACTORS and table.ablate_mode == "combinations":
            self._add(f"{key}.ablate", f"{2 ** len(table.ablate)} combinations; allowed: {MOST_FACTORS} at most")
            return ()
        factors = []
        for place, text in enumerate(table.ablate):
            where = f"{key}.ablate[{place}]"
            factor = self._meta_algorithms(where, self._calls(where, text))
            if factor in factors or any(part in always for part in factor):
                self._add(where, f"given {text!r}; it stands in this entry already")
            factors.append(factor)
        return tuple(factors)

    def metrics(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the qualified names of metrics."""
        looked_up = [self._component("metrics", Call(name), f"metrics[{index}]") for index, name in enumerate(names)]
        return tuple(dict.fromkeys(component.name for component in looked_up if component is not None))

    def lonely_groups(self, suite: SuiteTable) -> list[Mistake]:
        """Return the entries that meet no partner, which is a misspelt group more often than a wish."""
        tables: dict[str, Sequence[EntryTable]] = {"problem": suite.problem, "optimizer": suite.optimizer}
        groups = {kind: {group for item in items for group in item.groups} for kind, items in tables.items()}
        partner = {"problem": "optimizer", "optimizer": "problem"}
        return [
            Mistake(f"{kind}[{index}].groups", _lonely(item.groups, partner[kind], groups[partner[kind]]))
            for kind, items in tables.items()
            for index, item in enumerate(items)
            if not groups[partner[kind]].intersection(item.groups)
        ]

    def _calls(self, key: str, text: str) -> tuple[Call, ...]:
        try:
            return parse_text(text)
        except UserError as error:
            self._add(key, str(error))
            return ()

    def _expanded(self, kind: str, key: str, calls: tuple[Call, ...], table: EntryTable) -> Iterator[Component]:
        """Yield the component at each point of the grid."""
        for call in calls:
            for name in sorted(set(call.options) & set(table.grid)):
                self._add(f"{key}.grid.{name}", f"{name} stands in `use` as well; give it in one of the two")
            for point in _product(table.grid):
                component = self._component(kind, Call(call.name, {**call.options, **point}), f"{key}.use")
                if component is not None:
                    yield component

    def _component(self, kind: str, call: Call, key: str) -> Component | None:
        try:
            component, mistakes = examine(self.catalogue, kind, call)
        except UserError as error:
            self._add(key, str(error))
            return None
        for mistake in mistakes:
            self._add(key, str(mistake))
        return component

    def _add(self, key: str, message: str) -> None:
        mistake = Mistake(key, message)
        if mistake not in self.mistakes:  # each point of a grid repeats the mistakes of `use`
            self.mistakes.append(mistake)


def _product(grid: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def _lonely(given: list[str], partner: str, groups: set[str]) -> str:
    return f"given {given!r}; no {partner} is in any of these groups; groups of {partner}s: {', '.join(sorted(groups))}"
