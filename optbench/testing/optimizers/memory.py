"""Checks of what is declared of memory, in exact bytes. Shapes: n = number of parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from torch import Tensor

from optbench.analysis import fit_exponent
from optbench.measure.holding import reachable
from optbench.measure.memory import LiveBytes, state_bytes
from optbench.records.orders import SLACK_OF_FEW, degree, unreadable
from optbench.records.text import interval_text
from optbench.testing.framework import CheckFailed, DoesNotApply, Subject
from optbench.testing.holders import births, by_owner, made_at
from optbench.testing.trials import Watcher, limited, owns_its_loop, place, run
from optbench.testing.workloads import endless

_SIZES = (32, 64, 128, 256)
_STEPS = 40  # of a run that measures: what is made late, after a warm phase say, is made by then


@dataclass
class _Bytes(Watcher):
    """Follows the bytes of the state and of all live tensors; copies no points, which would count."""

    live: LiveBytes = field(default_factory=LiveBytes)
    state: int = 0
    largest: dict[str, int] = field(default_factory=dict)  # owner -> bytes, at the largest state
    problem: Any = None

    def init_begins(self, problem: Any, start: Tensor) -> None:
        self.problem = problem
        self.live.forget_all()

    def step_done(self, holders: tuple[Any, ...], point: Tensor) -> None:
        size = state_bytes(*holders, without=(point, self.problem))
        if size > self.state:
            self.state = size
            self.largest = by_owner(reachable({"optimizer": holders[0], "state": holders[1]}, besides=(self.problem,)))


def check_state(subject: Subject) -> None:
    """Fit the exponent of the largest state over n, and compare it with the declared one."""
    allowed = _declared("state_memory", subject.record.state_memory)
    runs = _measured(subject)
    what = f"state_memory is declared {subject.record.state_memory}"
    _require_exponent(subject, what, allowed, "the state", [seen.state for seen in runs])


def check_peak(subject: Subject) -> None:
    """Fit the exponent of the peak of live bytes over n, and compare it with the declared one."""
    order = subject.record.peak_memory_of(subject.options)
    allowed = _declared("peak_memory", order)
    runs = _measured(subject)
    what = f"peak_memory is declared {order}"
    _require_exponent(subject, what, allowed, "the peak of live bytes", [seen.live.peak for seen in runs])


def _declared(name: str, order: str) -> float:
    """Return the exponent that a field declares; an order that nobody can read is no way around the check."""
    exponent = degree(order)
    if exponent is None:
        raise CheckFailed(f"{name} is declared {unreadable(order)}")
    return exponent


@lru_cache(maxsize=1)  # the checks of one subject follow one another
def _measured(subject: Subject) -> tuple[_Bytes, ...]:
    """Run at each size."""
    if owns_its_loop(subject):
        raise DoesNotApply("it owns its loop: memory that is no tensor's is not seen")
    runs = tuple(_Bytes() for _ in _SIZES)
    for size, seen in zip(_SIZES, runs, strict=True):
        here = place()
        problem = endless(size, here)
        with seen.live:
            run(subject, problem, here, limited(evaluations=20 * _STEPS, steps=_STEPS), watcher=seen)
    return runs


def _require_exponent(subject: Subject, declared: str, allowed: float, what: str, sizes: list[int]) -> None:
    fit = fit_exponent(_SIZES, [max(size, 1) for size in sizes])
    if fit.exponent <= allowed + SLACK_OF_FEW or fit.low <= allowed:  # histories fill unequally: no clear case
        return
    grows = f"{what} grows as n^{fit.exponent:.2f} (95 % interval {interval_text(fit.low, fit.high)})"
    seen = f"{sizes[0]} bytes at n = {_SIZES[0]}, {sizes[-1]} at n = {_SIZES[-1]}"
    holder = next(iter(_measured(subject)[-1].largest.items()), None)
    held_by = f"; most is held by {holder[0]}, {holder[1]} bytes" if holder else ""
    line = made_at(births(subject, _SIZES[0], _STEPS)[0].biggest[1])
    raise CheckFailed(f"{grows}, {declared}: {seen}{held_by}{line}")
