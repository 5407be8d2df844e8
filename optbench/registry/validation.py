"""What makes a record unusable; each check returns the reason, or nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from optbench.api import (
    Evaluation,
    Feature,
    MetaAlgorithmPlugin,
    OptimizerPlugin,
    Option,
    ProblemPlugin,
    SuitePlugin,
    UserError,
)
from optbench.api.factories import CLASS_NAME
from optbench.api.options import convert
from optbench.api.plugins import Kind, Work
from optbench.records.orders import degree, unreadable
from optbench.registry.kinds import NAMED, RecordKind

_BOUNDS = ("[]", "(]", "[)", "()")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_OPTION_TYPES = (bool, int, float, str, list, tuple)
_ORDERS = ("state_memory", "peak_memory", "step_time")


def fault(record: Any, kind: RecordKind) -> str:
    """Return why `record` can't be used as one of its kind, or an empty text."""
    if not isinstance(record, kind.record_type):
        return f"expected {kind.record_type.__name__}, got {type(record).__name__}"
    name: Any = record.name  # a record's fields hold whatever the plugin wrote
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return f"name {name!r}: expected lower-case letters, digits, '-', '_' and '.'"
    if isinstance(record, SuitePlugin):
        path: Any = record.path
        return "" if isinstance(path, str | Path) and Path(path).is_file() else f"no file {path}"
    checks = (_factory, _options, _claims, _sets, _small)
    return next((reason for check in checks if (reason := check(record))), "")


def _factory(record: Any) -> str:
    if isinstance(record.factory, str) and CLASS_NAME.fullmatch(record.factory):
        return ""
    return f'factory {record.factory!r}: expected "package.module:Name"'


def _options(record: Any) -> str:
    if not isinstance(record.options, Mapping):
        return f"options: expected a mapping of names to Option, got {type(record.options).__name__}"
    faults = (option_fault(name, option) or _naming(name, option, record) for name, option in record.options.items())
    return next((reason for reason in faults if reason), "")


def _naming(name: str, option: Option, record: Any) -> str:
    """Return why an option can't name a plugin, or an empty text."""
    if not option.plugins:
        return ""
    if not isinstance(record, ProblemPlugin) or option.plugins not in NAMED:
        allowed = f"options of problems name {' or '.join(NAMED)}, and no others do"
        return f"option {name!r}: plugins={option.plugins!r}; {allowed}"
    return "" if isinstance(option.default, str) else f"option {name!r}: a name needs a text as default"


def option_fault(name: Any, option: Any) -> str:
    """Return why an option's declaration can't be used, or an empty text."""
    if not isinstance(name, str) or not name.isidentifier():
        return f"option {name!r}: expected a Python identifier"
    if not isinstance(option, Option):
        return f"option {name!r}: expected Option, got {type(option).__name__}"
    if not isinstance(option.default, _OPTION_TYPES):
        return f"option {name!r}: default {option.default!r} is none of bool, int, float, str, list"
    if option.components:
        spelled = isinstance(option.default, str) and CLASS_NAME.fullmatch(option.components)
        return "" if spelled else f'option {name!r}: components need a text default and "package.module:TABLE"'
    if option.bounds not in _BOUNDS or (option.bounds != "[]" and type(option.default) is not float):
        return f"option {name!r}: bounds={option.bounds!r}: expected one of {', '.join(_BOUNDS)}, open ones for a float"
    try:
        convert(option.default, option)
    except UserError as error:
        return f"option {name!r}: its default: {error}"
    return _span_fault(name, option)


def _span_fault(name: str, option: Option) -> str:
    """Return why tuning can't look where the declaration says."""
    if option.span is None:
        return ""
    if option.search is None or type(option.default) not in {int, float}:
        return f"option {name!r}: span goes with `search` and a number as default"
    low, high = option.span
    lowest, highest = option.ends
    least = max(-math.inf if lowest is None else lowest, 0.0 if option.search == "log" else -math.inf)
    most = math.inf if highest is None else highest
    if least <= low < high <= most and (low > 0 or option.search == "linear"):
        return ""
    return f"option {name!r}: span {option.span!r}: expected low < high within the bounds, above 0 for search by log"


def _claims(record: Any) -> str:
    if isinstance(record, MetaAlgorithmPlugin) and degree(record.extra_memory) is None:
        return f"extra_memory is {unreadable(record.extra_memory)}"
    if not isinstance(record, OptimizerPlugin):
        return ""
    for name in _ORDERS:
        if degree(getattr(record, name)) is None:
            return f"{name} is {unreadable(getattr(record, name))}"
    orders = (order for values in record.peak_memory_with.values() for order in values.values())
    if odd := next((order for order in orders if degree(order) is None), None):
        return f"peak_memory_with holds {unreadable(odd)}"
    return _waits(record)


def _waits(record: OptimizerPlugin) -> str:
    if unknown := _unknown(record.host_syncs_per, get_args(Work)):
        return f"host_syncs_per: unknown {unknown[0]!r}; allowed: {', '.join(get_args(Work))}"
    stated = [("host_syncs", count) for count in (record.host_syncs,) if count is not None]
    stated += [("host_syncs_per", count) for count in record.host_syncs_per.values()]
    stated += [("host_syncs_with", count) for counts in record.host_syncs_with.values() for count in counts.values()]
    odd = next(((name, count) for name, count in stated if type(count) is not int or count < 0), None)
    if odd is not None:
        alternative = ", or None" if odd[0] == "host_syncs" else ""
        return f"{odd[0]}: expected a number of waits from 0 on{alternative}, got {odd[1]!r}"
    return ""


def _sets(record: Any) -> str:
    allowed = {"evaluations": get_args(Evaluation), "needs": get_args(Feature), "gives": get_args(Feature)}
    for name, values in allowed.items():
        unknown = _unknown(getattr(record, name, ()), values)
        if unknown:
            return f"{name}: unknown {unknown[0]!r}; allowed: {', '.join(values)}"
    with_options = [needs for values in getattr(record, "needs_with", {}).values() for needs in values.values()]
    if unknown := _unknown(frozenset().union(*with_options), get_args(Feature)):
        return f"needs_with: unknown {unknown[0]!r}; allowed: {', '.join(get_args(Feature))}"
    if isinstance(record, ProblemPlugin) and record.kind not in get_args(Kind):
        return f"kind: unknown {record.kind!r}; allowed: {', '.join(get_args(Kind))}"
    return ""


def _small(record: Any) -> str:
    unknown = _unknown(getattr(record, "small", ()), tuple(record.options))
    return f"small: unknown option {unknown[0]!r}" if unknown else ""


def _unknown(given: Iterable[str], allowed: tuple[str, ...]) -> list[str]:
    return sorted(str(item) for item in set(given) - set(allowed))
