"""Canonical JSON: one text for one value, so that its hash can name it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

_ATOMS = frozenset({str, int, float, bool, type(None)})


def normalise(value: Any) -> Any:
    """Return `value` in JSON's types with one spelling each: 1.0 and 1 are 1, tuples are lists, keys are text."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, Mapping):
        return {str(key): normalise(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [normalise(item) for item in value]
    message = f"no canonical JSON for {type(value).__name__}"
    raise TypeError(message)


def canonical_json(value: Any) -> str:
    """Return the canonical text of `value`: sorted keys, no spaces, normalised numbers."""
    return json.dumps(normalise(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(value: Any, length: int = 16) -> str:
    """Return the first `length` hexadecimal digits of the SHA-256 of the canonical text of `value`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:length]


def finite(value: float | None) -> float | None:
    """Return `value`, or None where JSON has no number for it (NaN, infinity)."""
    return value if value is not None and math.isfinite(value) else None


def plain(value: Any) -> Any:
    """Return what `dataclasses.asdict` does, several times faster: values that can't change are not copied."""
    kind = type(value)
    if kind in _ATOMS:
        return value
    if fields := getattr(kind, "__dataclass_fields__", None):
        return {name: plain(getattr(value, name)) for name in fields}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return kind(map(plain, value))
    return value


def without_nonfinite(data: Any) -> Any:
    """Return nested JSON data with None for every number that JSON lacks."""
    if isinstance(data, float):
        return finite(data)
    if isinstance(data, Mapping):
        return {key: without_nonfinite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [without_nonfinite(value) for value in data]
    return data
