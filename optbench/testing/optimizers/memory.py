"""Checks of what is declared of memory, in exact bytes. Shapes: n = number of parameters."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from torch import Tensor

from optbench.analysis import fit_exponent
from optbench.measure.memory import LiveBytes, state_bytes
from optbench.measure.oracle import Place
from optbench.testing.blame import Frame
from optbench.testing.framework import CheckFailed, DoesNotApply, Subject
from optbench.testing.holders import Births, held
from optbench.testing.needs import declared_exponent
from optbench.testing.trials import Watcher, limited, owns_its_loop, place, run
from optbench.testing.workloads import Bowl

_SIZES = (64, 128, 256, 512)
_STEPS = 8  # of a run that measures: enough for each buffer to have been filled once, but for a history's places
_SLACK = 0.1  # by which a fitted exponent may exceed the declared one

_PACE = 10  # steps between two looks at what grows
_LOOKS = 3  # each larger than the last: growing without end


@dataclass
class _Bytes(Watcher):
    """Follows the bytes of the state and of all live tensors; copies no points, which would count."""

    live: LiveBytes = field(default_factory=LiveBytes)
    state: int = 0
    largest: dict[str, int] = field(default_factory=dict)  # path -> bytes, at the largest state
    problem: Any = None

    def init_begins(self, problem: Any, start: Tensor) -> None:
        self.problem = problem
        self.live.forget_all()

    def step_done(self, holders: tuple[Any, ...], point: Tensor) -> None:
        size = state_bytes(*holders, without=(point, self.problem))
        if size > self.state:
            self.state = size
            self.largest = held({"optimizer": holders[0], "state": holders[1]})


def check_state(subject: Subject) -> None:
    """Fit the exponent of the largest state over n, and compare it with the declared one."""
    runs = [_measured(subject, size) for size in _SIZES]
    _require_exponent(subject, "state_memory", [seen.state for seen in runs], "the state", runs[-1])


def check_peak(subject: Subject) -> None:
    """Fit the exponent of the peak of live bytes over n, and compare it with the declared one."""
    runs = [_measured(subject, size) for size in _SIZES]
    _require_exponent(subject, "peak_memory", [seen.live.peak for seen in runs], "the peak of live bytes", runs[-1])


def _measured(subject: Subject, size: int) -> _Bytes:
    if owns_its_loop(subject):
        raise DoesNotApply("it owns its loop: memory that is no tensor's is not seen")
    here = place()
    problem = _bowl(size, here)
    seen = _Bytes()
    with seen.live:
        run(subject, problem, here, limited(evaluations=20 * _STEPS, steps=_STEPS), watcher=seen)
    return seen


def _require_exponent(subject: Subject, name: str, sizes: list[int], what: str, at_largest: _Bytes) -> None:
    order = getattr(subject.record, name)
    allowed = declared_exponent(order)
    assert allowed is not None
    fit = fit_exponent(_SIZES, sizes)
    if fit.exponent <= allowed + _SLACK:
        return
    grows = f"{what} grows as n^{fit.exponent:.2f} (95 % interval {fit.low:.2f} to {fit.high:.2f})"
    seen = f"{sizes[0]} bytes at n = {_SIZES[0]}, {sizes[-1]} at n = {_SIZES[-1]}"
    line = _made_at(_births(subject, _SIZES[0], _STEPS)[0].biggest[1])
    holder = next(iter(at_largest.largest.items()), None)
    held_by = f"; most is held by {holder[0]}, {holder[1]} bytes" if holder else ""
    raise CheckFailed(f"{grows}, {name} is declared {order}: {seen}{held_by}{line}")


def _births(subject: Subject, size: int, steps: int) -> tuple[Births, Frame | None]:
    """Return what was made in some steps, and the line of the plugin that made most of what was alive at their end."""
    here, births = place(), Births(subject)
    problem = _bowl(size, here)
    alive: list[Frame | None] = [None]

    class Look(Watcher):
        def step_done(self, holders: tuple[Any, ...], point: Tensor) -> None:
            alive.append(births.most_alive())

    with births:
        run(subject, problem, here, limited(evaluations=50 * steps, steps=steps), watcher=Look())
    return births, alive[-1]


def _made_at(line: Frame | None) -> str:
    return f" (made at {line})" if line else ""


def _bowl(size: int, here: Place) -> Bowl:
    """Return a problem that no method solves in the steps of a check."""
    return Bowl(size, here, power=4, condition=1e3)


# ---- growth with the number of steps


@dataclass
class _Growth(Watcher):
    """Looks every few steps at the live bytes and at who holds what."""

    live: LiveBytes = field(default_factory=LiveBytes)
    looks: list[tuple[int, int, dict[str, int]]] = field(default_factory=list)  # step, bytes, path -> bytes
    step: int = 0

    def step_done(self, holders: tuple[Any, ...], point: Tensor) -> None:
        self.step += 1
        if self.step % _PACE == 0:
            gc.collect()  # cycles that nobody holds are no state
            paths = held({"optimizer": holders[0], "state": holders[1]})
            self.looks.append((self.step, max(self.live.live, sum(paths.values())), paths))


def check_stops_growing(subject: Subject) -> None:
    """Run on a problem that is never solved, longer than any history lasts, and look whether bytes still grow."""
    here, seen = place(), _Growth()
    histories = [value for value in subject.options.values() if type(value) is int and value <= 200]
    steps = _PACE * (3 + _LOOKS) + max(histories, default=0)
    problem = _bowl(50, here)
    gc.collect()
    gc.freeze()
    try:
        with seen.live:
            run(subject, problem, here, limited(evaluations=50 * steps, steps=steps), watcher=seen)
    finally:
        gc.unfreeze()
    last = seen.looks[-_LOOKS:]
    if len(last) == _LOOKS and all(after[1] > before[1] for before, after in pairwise(last)):
        (first, before, old), (final, after, new) = last[0], last[-1]
        grown = {path: size - old.get(path, 0) for path, size in new.items() if size > old.get(path, 0)}
        holder = max(grown, key=grown.__getitem__, default="")
        where_held = f"{holder} holds ever more" if holder else "what holds them is no attribute of it or its state"
        told = f"memory grows with every step: {before} bytes after {first} steps, {after} after {final}; {where_held}"
        raise CheckFailed(f"{told}{_made_at(_births(subject, 50, 3 * _PACE)[1])}")
