"""A machine on which everything is good, and how to spoil parts of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from optbench.doctor.observing import Moment, Observations, Process, Resolution
from optbench.doctor.setting import Gpus, Place, Setting
from optbench.runner.machine import Processors

GIB = 2**30

SETTING = Setting(
    processors=4,
    all_processors=4,
    cpu_quota=None,
    memory_limit=None,
    variables={},
    pools={"torch": 4, "openblas": 1},
    governors=("performance",),
    turbo=False,
    smt=False,
    swappiness=60,
    clock_source="tsc",
    gpus=Gpus(),
    places=(Place(Path("/cache"), writable=True, free=9 * GIB, remedy="elsewhere"),),
    burdens=(),
    resets_peak=True,
    sets_allocator=True,
)
BEFORE = Moment(
    clock=100.0,
    own_cpu=1.0,
    processors=Processors(busy=50.0, idle=500.0, stolen=5.0),
    preemptions=7,
    throttles=3,
    throttled_periods=2,
    pages_swapped=11,
    others={1: Process("init", 4.0)},
)
# Ten seconds later: this process used ten seconds, the others a tenth of one.
AFTER = replace(BEFORE, clock=110.0, own_cpu=11.0, processors=Processors(busy=60.1, idle=529.9, stolen=5.0))
OBSERVATIONS = Observations(
    setting=SETTING,
    before=BEFORE,
    after=AFTER,
    slices=((1e-3,) * 10,) * 4,
    running=2.0,
    on_cpu=2.0,
    runnable=(1, 1, 2, 1),
    frequencies=((3e9, 3e9),) * 4,
    clock=Resolution(5e-8, 6e-8),
    cpu_clock=Resolution(4e-7, 5e-7),
    load=0.25,
    memory_free=8 * GIB,
    swap_used=0,
)


@pytest.fixture
def setting() -> Setting:
    return SETTING


@pytest.fixture
def seen() -> Callable[..., Observations]:
    """Return a function that replaces fields of the good observations, of their setting, `before` or `after`."""

    def make(before: Any = None, after: Any = None, **changes: Any) -> Observations:
        around = {name: changes.pop(name) for name in list(changes) if name in vars(SETTING)}
        return replace(
            OBSERVATIONS,
            setting=replace(SETTING, **around),
            before=replace(BEFORE, **(before or {})),
            after=replace(AFTER, **(after or {})),
            **changes,
        )

    return make
