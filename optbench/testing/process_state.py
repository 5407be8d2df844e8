"""The check that code leaves the process as it found it: global random generators, and settings."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import sys
from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import torch

from optbench.testing.blame import where
from optbench.testing.framework import CheckFailed, Subject
from optbench.testing.tripwire import line_of_change


class Setting(NamedTuple):
    """Something of the whole process: how to read it, and how to put it back."""

    get: Callable[[], Hashable]
    put: Callable[[Any], object]


def require_untouched(
    subject: Subject, use: Callable[[], object], *, again: Callable[[], object] | None = None
) -> None:
    """Raise CheckFailed, with the line, where `use` draws from or seeds a generator of torch, numpy or Python."""
    for seeded in (torch.manual_seed, np.random.seed, random.seed):  # so that seeding with a round number shows
        seeded(90127)
    told = "it uses or seeds the global random generator of {}: draw from the streams"
    with _seedings() as seedings:
        elsewhere = Setting(lambda: len(seedings), lambda count: seedings.__delitem__(slice(count, None)))
        require_unchanged(subject, {**GENERATORS, "an accelerator": elsewhere}, told, use, again=again)


def require_unchanged(
    subject: Subject,
    settings: Mapping[str, Setting],
    told: str,
    use: Callable[[], object],
    *,
    again: Callable[[], object] | None = None,
) -> None:
    """Raise CheckFailed where `use` changes one of the settings; `again`, a short `use`, is traced to find the line."""
    before = {name: setting.get() for name, setting in settings.items()}
    use()
    for name, setting in settings.items():
        if setting.get() != before[name]:
            setting.put(before[name])
            stack = line_of_change(again or use, setting.get)
            setting.put(before[name])
            raise CheckFailed(f"{told.format(name)}{where(stack, subject)}")


@contextlib.contextmanager
def _seedings() -> Iterator[list[str]]:
    """Yield the seedings of accelerators' generators, which a machine without one only keeps for later."""
    seedings: list[str] = []
    with contextlib.ExitStack() as patches:
        for module in (torch.cuda, torch.mps, torch.xpu):
            for name in ("manual_seed", "manual_seed_all", "seed", "seed_all"):
                if seed := getattr(module, name, None):
                    patches.enter_context(mock.patch.object(module, name, _noting(seed, seedings)))
        yield seedings


def _noting(seed: Callable[..., Any], seedings: list[str]) -> Callable[..., Any]:
    def noted(*arguments: Any) -> Any:
        if sys._getframe(1).f_code.co_filename != torch.random.__file__:  # noqa: SLF001 -- it is seen by torch's state
            seedings.append(seed.__name__)
        return seed(*arguments)

    return noted


def _numpy_state() -> Hashable:
    state: Any = np.random.get_state(legacy=True)  # noqa: NPY002 -- the global generator is what is looked at
    name, keys, *rest = state
    return (name, tuple(keys.tolist()), *rest)


def _put_environment(variables: frozenset[tuple[str, str]]) -> None:
    os.environ.clear()
    os.environ.update(dict(variables))


def _processors() -> Hashable:
    return frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else frozenset()


def _put_processors(numbers: frozenset[int]) -> None:
    if numbers:
        os.sched_setaffinity(0, numbers)


GENERATORS: Mapping[str, Setting] = {
    "torch": Setting(
        lambda: torch.get_rng_state().numpy().tobytes(),
        lambda state: torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8)),
    ),
    "numpy": Setting(_numpy_state, np.random.set_state),
    "Python's random": Setting(random.getstate, random.setstate),
}
SETTINGS: Mapping[str, Setting] = {
    "torch's default dtype": Setting(torch.get_default_dtype, torch.set_default_dtype),
    "torch's grad mode": Setting(torch.is_grad_enabled, torch.set_grad_enabled),
    "torch's threads": Setting(torch.get_num_threads, torch.set_num_threads),
    "torch's deterministic algorithms": Setting(
        torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms
    ),
    "torch's matmul precision": Setting(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    "cuDNN's choice of kernels": Setting(
        lambda: torch.backends.cudnn.benchmark, partial(setattr, torch.backends.cudnn, "benchmark")
    ),
    "cuDNN's precision": Setting(
        lambda: torch.backends.cudnn.allow_tf32, partial(setattr, torch.backends.cudnn, "allow_tf32")
    ),
    "the precision of matrix products on CUDA": Setting(
        lambda: torch.backends.cuda.matmul.allow_tf32, partial(setattr, torch.backends.cuda.matmul, "allow_tf32")
    ),
    "torch's search for anomalies": Setting(torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    "what the processor does with denormal numbers": Setting(
        lambda: sys.float_info.min / 2 == 0.0, torch.set_flush_denormal
    ),
    "the garbage collector": Setting(gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
    "the environment variables": Setting(lambda: frozenset(os.environ.items()), _put_environment),
    "the processors it may run on": Setting(_processors, _put_processors),
    "numpy's error handling": Setting(lambda: tuple(np.geterr().items()), lambda items: np.seterr(**dict(items))),
    "the working directory": Setting(Path.cwd, os.chdir),
}


@contextlib.contextmanager
def settings_kept() -> Iterator[None]:
    """Put back at the end whatever was changed."""
    before = {name: setting.get() for name, setting in SETTINGS.items()}
    try:
        yield
    finally:
        for name, setting in SETTINGS.items():
            if setting.get() != before[name]:
                setting.put(before[name])
