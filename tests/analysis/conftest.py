"""Golden values: what packages of others gave for the same input (see golden/regenerate.py)."""

import json
import math
from pathlib import Path

import numpy as np
import pytest


def arrays(value):
    """Return lists of numbers as arrays, with `null` as infinity; ragged ones stay lists."""
    if isinstance(value, dict):
        return {key: arrays(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [arrays(item) for item in value]
        return np.array(items) if len({np.shape(item) for item in items}) < 2 else items
    return math.inf if value is None else value


@pytest.fixture
def golden():
    """Return (input, result) of a golden file by name."""

    def load(name):
        record = json.loads((Path(__file__).parent / "golden" / f"{name}.json").read_text(encoding="utf-8"))
        return arrays(record["input"]), arrays(record["result"])

    return load
