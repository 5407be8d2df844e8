"""Strict JSON that keeps every float: what JSON has no number for is written as {"$float": "nan"}."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

_TAG = "$float"


def dumps(value: Any) -> str:
    """Return `value` as JSON text with sorted keys."""
    try:
        return _text(value)  # most values need no tag, and to look for them takes longer than to write
    except (TypeError, ValueError):
        return _text(_tagged(value))


def loads(text: str) -> Any:
    """Return what `dumps` wrote; tuples come back as lists."""
    return json.loads(text, object_hook=_untagged)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _tagged(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {_TAG: repr(value)}
    if isinstance(value, Mapping):
        return {key: _tagged(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_tagged(item) for item in value]
    return value


def _untagged(data: dict[str, Any]) -> Any:
    return float(data[_TAG]) if data.keys() == {_TAG} else data
