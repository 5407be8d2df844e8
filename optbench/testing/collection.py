"""Which checks belong to which kind of plugin. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from optbench.api import UserError
from optbench.records.nearest import suggestion
from optbench.registry import resolve_factory
from optbench.testing.framework import Check

CHECKED: Mapping[str, tuple[str, ...]] = {
    "optimizers": ("optbench.testing.optimizers:OPTIMIZER_CHECKS", "optbench.testing.devices:DEVICE_CHECKS"),
    "problems": ("optbench.testing.loading:LOADING_CHECKS", "optbench.testing.problems:PROBLEM_CHECKS"),
    "meta-algorithms": ("optbench.testing.loading:LOADING_CHECKS", "optbench.testing.meta:META_CHECKS"),
    "initializers": ("optbench.testing.loading:LOADING_CHECKS", "optbench.testing.initializers:INITIALIZER_CHECKS"),
    "data-sets": ("optbench.testing.loading:LOADING_CHECKS", "optbench.testing.datasets:DATA_SET_CHECKS"),
}


def checks_for(kind: str) -> tuple[Check, ...]:
    """Return every check of a kind of plugin, whether it applies or not; raises UserError for an unchecked kind."""
    if kind not in CHECKED:
        raise UserError(f"no checks for {kind}", f"checked kinds: {', '.join(CHECKED)}")
    return tuple(check for table in CHECKED[kind] for check in resolve_factory(table))


def chosen_checks(kind: str, only: Sequence[str]) -> tuple[Check, ...]:
    """Return the checks of a kind that `only` names; all where it is empty."""
    return tuple(check for check in checks_for(kind) if not only or check.name in only)


def require_known(only: Sequence[str], kinds: Iterable[str]) -> None:
    """Raise UserError where a name is no check of these kinds of plugins."""
    told = sorted(set(kinds))
    names = list(dict.fromkeys(check.name for kind in told for check in checks_for(kind)))
    for name in only:
        if name not in names:
            given = f"no check of {' or '.join(told)} is called {name!r}"
            raise UserError(given, suggestion(name, names) or f"checks: {', '.join(names)}")
