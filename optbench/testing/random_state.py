"""Whether code uses a global random generator."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

_STATES: dict[str, Callable[[], Any]] = {
    "torch": lambda: torch.get_rng_state().numpy().tobytes(),
    "numpy": lambda: repr(np.random.get_state()),  # noqa: NPY002 -- the old global generator is what is watched
    "Python": random.getstate,
}


def used_generator(use: Callable[[], None]) -> str:
    """Return whose global generator `use` draws from or seeds: "torch", "numpy" or "Python"; empty where none."""
    before = {name: state() for name, state in _STATES.items()}
    use()
    return next((name for name, state in _STATES.items() if state() != before[name]), "")
