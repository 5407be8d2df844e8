"""What keeps the options that a suite names in `arms` from telling arms apart."""

from __future__ import annotations

from collections.abc import Iterator

from optbench.records import SuiteSpec, canonical_json
from optbench.records.nearest import suggestion
from optbench.suites.mistakes import Mistake
from optbench.suites.schema import SuiteTable


def unlike_arms(table: SuiteTable, spec: SuiteSpec) -> Iterator[Mistake]:
    """Yield the mistakes; tables that name problems with all their options go with no arms."""
    named = {"gate": table.gate, "compare": table.compare, "scaling": table.scaling}
    named["optimizer.ablate"] = any(optimizer.ablate for optimizer in table.optimizer)
    for key in [key for key, given in named.items() if given] if table.arms else ():
        yield Mistake("arms", f"given with [{key}], which compares on problems with all their options; leave one out")
    problems = [entry.use for entry in spec.problems]
    for index, option in enumerate(table.arms if problems else ()):
        values = {
            (problem.name, canonical_json(problem.options[option])) for problem in problems if option in problem.options
        }
        if not values:
            options = sorted({name for problem in problems for name in problem.options})
            parts = (f"given {option!r}; no problem has this option", suggestion(option, options))
            yield Mistake(f"arms[{index}]", "; ".join(filter(None, parts)))
        elif len(values) == len({name for name, _ in values}):
            why = f"given {option!r}; no problem has several values of it, as in grid.{option} = […]"
            yield Mistake(f"arms[{index}]", why)
