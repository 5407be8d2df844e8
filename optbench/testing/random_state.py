"""The check that code draws from the given streams, and from no generator of the whole process."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import torch

from optbench.testing.blame import where
from optbench.testing.framework import CheckFailed, Subject
from optbench.testing.optimizers.repeatability import GENERATORS
from optbench.testing.tripwire import line_of_change


def require_untouched(subject: Subject, use: Callable[[], None]) -> None:
    """Raise CheckFailed, with the line, where `use` draws from or seeds a generator of torch, numpy or Python."""
    for seeded in (torch.manual_seed, np.random.seed, random.seed):  # so that seeding with a round number shows
        seeded(90127)
    before = {name: generator.get() for name, generator in GENERATORS.items()}
    use()
    for name, generator in GENERATORS.items():
        if generator.get() != before[name]:
            generator.put(before[name])
            stack = line_of_change(use, generator.get)
            generator.put(before[name])
            told = f"it uses or seeds the global random generator of {name}: draw from the streams"
            raise CheckFailed(f"{told}{where(stack, subject)}")
