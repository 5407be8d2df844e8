"""The small texts of a suite: seeds, devices, dtypes, targets, memory, budgets; each with one normal form.

Each function raises ValueError with what was given and what is allowed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from optbench.records import COUNTED, QUANTITIES, Target
from optbench.records.nearest import suggestion

DTYPES = ("float32", "float64")
_DEVICE = re.compile(r"cpu|cuda(:\d+)?")
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]i?B|B)")
_UNITS = {"B": 1} | {
    f"{letter}{suffix}": base**power
    for power, letter in enumerate("KMGT", start=1)
    for suffix, base in (("B", 1000), ("iB", 1024))
}
_BUDGET_KEYS = ("evaluations", "steps", "examples", "flops", "seconds")
_FRACTIONAL = ("flops", "seconds")


def seeds(given: Any) -> tuple[int, ...]:
    """Return the seeds: an integer k stands for 0, …, k − 1."""
    if type(given) is int and given >= 1:
        return tuple(range(given))
    if isinstance(given, list | tuple) and given and all(type(item) is int and item >= 0 for item in given):
        return tuple(dict.fromkeys(given))
    message = f"given {given!r}; allowed: a number of seeds (at least 1), or a list of seeds (0 or more)"
    raise ValueError(message)


def device(given: str) -> str:
    """Return the device."""
    if _DEVICE.fullmatch(given):
        return given
    message = f"given {given!r}; allowed: cpu, cuda, cuda:N"
    raise ValueError(message)


def dtype(given: str) -> str:
    """Return the name of the floating-point type."""
    if given in DTYPES:
        return given
    message = f"given {given!r}; allowed: {', '.join(DTYPES)}"
    raise ValueError(message)


def target(given: str) -> str:
    """Return the target in its normal form: "relative:1e-08", "test-accuracy>=0.95"."""
    return str(Target.parse(given))


def ending_target(given: str) -> str:
    """Return a target that can end a trial; a metric's threshold can't."""
    if Target.parse(given).is_metric:
        message = f"given {given!r}; a metric ends no trial, since it is evaluated after the run: give it in `targets`"
        raise ValueError(message)
    return target(given)


def weights(given: Mapping[str, float]) -> Mapping[str, float]:
    """Return the weights of what is counted; at least one is above 0."""
    if not any(given.values()):
        message = f"given {dict(given)!r}; allowed: at least one weight above 0"
        raise ValueError(message)
    return given


def counted(given: str) -> str:
    """Return the name of what is counted."""
    return _one_of(given, COUNTED)


def quantity(given: str) -> str:
    """Return the name of what a gate measures."""
    return _one_of(given, QUANTITIES)


def _one_of(given: str, allowed: Collection[str]) -> str:
    if given in allowed:
        return given
    message = "; ".join(filter(None, (f"given {given!r}; allowed: {', '.join(allowed)}", suggestion(given, allowed))))
    raise ValueError(message)


def memory(given: Any) -> int:
    """Return a number of bytes: an integer, or a text such as "4 GiB"."""
    if type(given) is int and given > 0:
        return given
    match = _MEMORY.fullmatch(given.strip()) if isinstance(given, str) else None
    if match and (size := int(float(match[1]) * _UNITS[match[2]])):
        return size
    message = f'given {given!r}; allowed: bytes, or a text such as "512 MiB" or "4 GiB"'
    raise ValueError(message)


def budget(text: str) -> dict[str, int | float]:
    """Return the limits in a text: "500" evaluations, "30s" seconds, or "evaluations=500,seconds=30"."""
    return dict(_limit(item.strip(), text) for item in text.split(","))


def listed(given: str | Iterable[str]) -> tuple[str, ...]:
    """Return the names in "a,b" or in a sequence."""
    items = given.split(",") if isinstance(given, str) else given
    return tuple(dict.fromkeys(item.strip() for item in items))


def _limit(item: str, text: str) -> tuple[str, int | float]:
    key, equals, number = (part.strip() for part in item.rpartition("="))
    if not equals:
        key, number = ("seconds", item[:-1]) if item.endswith("s") else ("evaluations", item)
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    whole = key in _FRACTIONAL or value.is_integer()
    if key not in _BUDGET_KEYS or not (math.isfinite(value) and value > 0 and whole):
        keys = ", ".join(_BUDGET_KEYS)
        message = f'budget {text!r}; allowed: "500" (evaluations), "30s", or {keys} as in "steps=100,seconds=30"'
        raise ValueError(message)
    return key, value if key in _FRACTIONAL else int(value)
