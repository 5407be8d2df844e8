"""What plugins say of themselves, for labels and pages; one that is gone since the results were stored says nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from optbench.api import UserError
from optbench.records import TrialRecord

if TYPE_CHECKING:
    from optbench.registry import Catalogue, Registered


def rising(catalogue: Catalogue, metrics: Iterable[str]) -> list[str]:
    """Return the metrics of which higher is better; of what is not installed any more nothing is known."""
    found = []
    for name in metrics:
        with contextlib.suppress(UserError):
            found += [name] if catalogue.get("metrics", name).record.higher_is_better else []
    return found


def named_info(catalogue: Catalogue, records: Iterable[TrialRecord]) -> dict[str, dict[str, Any]]:
    """Return what plugins say that options of problems name, as initializers are named."""
    from optbench.registry import named_plugins

    problems = {repr(record.spec.problem): record.spec.problem for record in records}
    info: dict[str, dict[str, Any]] = {}
    for problem in problems.values():
        with contextlib.suppress(UserError):
            named = named_plugins(catalogue, catalogue.get("problems", problem.name), problem.options)
            info |= {registered.qualified: _about(catalogue, registered) for registered, _ in named.values()}
    return info


def plugin_info(catalogue: Catalogue, kind: str, names: set[str]) -> dict[str, dict[str, Any]]:
    """Return what plugins say of themselves; a plugin that is gone since the results were stored says nothing."""
    info = {}
    for name in names:
        with contextlib.suppress(UserError):
            info[name] = _about(catalogue, catalogue.get(kind, name))
    return info


def _about(catalogue: Catalogue, registered: Registered) -> dict[str, Any]:
    from optbench.registry import default_options

    record = registered.record
    return {
        "family": registered.plugin,
        "summary": record.summary,
        "cite": record.cite,
        "kind": getattr(record, "kind", ""),
        "state_memory": getattr(record, "state_memory", ""),
        "peak_memory": getattr(record, "peak_memory", ""),
        "step_time": getattr(record, "step_time", ""),
        "defaults": default_options(catalogue, registered),
        "docs": {name: option.doc for name, option in record.options.items()},
        "version": f"{registered.distribution} {registered.version}".strip(),
    }
