"""Checks of what is declared of memory, in exact bytes. Shapes: n = number of parameters."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

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

_GROWTH_SIZE = 50  # n of the runs that look for growth with the number of steps
_PACE = 10  # steps between two looks
_LOOKS = 3  # each larger than the last: growing
_LONGEST_HISTORY = 1000  # an integer option beyond is no number of things kept
_UNDECLARED_HISTORY = 200


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
    fit = fit_exponent(_SIZES, [max(size, 1) for size in sizes])
    if fit.exponent <= allowed + _SLACK or fit.low <= allowed:  # histories fill unequally: no clear case
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

    class Alive(Watcher):
        def step_done(self, holders: tuple[Any, ...], point: Tensor) -> None:
            alive.append(births.most_alive())

    with births:
        run(subject, problem, here, limited(evaluations=50 * steps, steps=steps), watcher=Alive())
    return births, alive[-1]


def _made_at(line: Frame | None) -> str:
    return f" (made at {line})" if line else ""


def _bowl(size: int, here: Place) -> Bowl:
    """Return a problem that no method solves in the steps of a check."""
    return Bowl(size, here, power=4, condition=1e3)


# ---- growth with the number of steps


class Look(NamedTuple):
    """What was alive after a step."""

    step: int
    size: int  # bytes
    held: dict[str, int]  # path -> bytes


@dataclass
class _Growth(Watcher):
    """Looks every few steps at the live bytes and at who holds what."""

    live: LiveBytes = field(default_factory=LiveBytes)
    looks: list[Look] = field(default_factory=list)
    step: int = 0

    def step_done(self, holders: tuple[Any, ...], point: Tensor) -> None:
        self.step += 1
        if self.step % _PACE == 0:
            gc.collect()  # cycles that nobody holds are no state
            paths = held({"optimizer": holders[0], "state": holders[1]})
            self.looks.append(Look(self.step, max(self.live.live, sum(paths.values())), paths))


def check_stops_growing(subject: Subject) -> None:
    """Run on a problem that is never solved, longer than any history lasts, and look whether bytes still grow."""
    histories = [value for value in subject.options.values() if type(value) is int and value <= _LONGEST_HISTORY]
    steps = _PACE * 2 * _LOOKS + max(histories, default=0)
    if not _grows(_looks(subject, steps)):
        return
    looks = _looks(subject, 4 * steps + _UNDECLARED_HISTORY)  # a history that no option declares may still fill
    if _grows(looks):
        (first, before, old), (final, after, new) = looks[-_LOOKS], looks[-1]
        grown = {path: size - old.get(path, 0) for path, size in new.items() if size > old.get(path, 0)}
        holder = max(grown, key=grown.__getitem__, default="")
        held_by = f"{holder} holds ever more" if holder else "what holds them is no attribute of it or its state"
        told = f"memory grows with every step: {before} bytes after {first} steps, {after} after {final}; {held_by}"
        raise CheckFailed(f"{told}{_made_at(_births(subject, _GROWTH_SIZE, 3 * _PACE)[1])}")


def _looks(subject: Subject, steps: int) -> list[Look]:
    here, seen = place(), _Growth()
    problem = _bowl(_GROWTH_SIZE, here)
    gc.collect()
    gc.freeze()  # so that each later collection looks at the run's own objects only
    try:
        with seen.live:
            run(subject, problem, here, limited(evaluations=50 * steps, steps=steps), watcher=seen)
    finally:
        gc.unfreeze()
    return seen.looks


def _grows(looks: list[Look]) -> bool:
    last = looks[-_LOOKS:]
    return len(last) == _LOOKS and all(after.size > before.size for before, after in pairwise(last))
