"""The check that what a method holds does not grow with the number of steps."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from optbench.measure.holding import reachable
from optbench.measure.memory import LiveBytes
from optbench.testing.framework import CheckFailed, Subject
from optbench.testing.holders import births, by_owner, made_at, modules_of
from optbench.testing.trials import Watcher, limited, place, run
from optbench.testing.workloads import endless

_SIZE = 50  # n of the runs
_PACE = 10  # steps between two looks
_LOOKS = 3  # each larger than the last: growing
_LONGEST_HISTORY = 1000  # an integer option beyond is no number of things kept
_UNDECLARED_HISTORY = 200
_VECTOR = 8 * _SIZE  # bytes: a list that gains a number a step is a log, one that gains a point between looks is not


class Look(NamedTuple):
    """What there was after a step, in bytes."""

    step: int
    live: int  # tensors, whoever holds them
    arrays: int  # tensors and arrays that the optimizer, its state and its modules hold
    held: dict[str, int]  # owner -> those, and numbers in bytes, lists and tuples

    @property
    def reachable(self) -> int:
        """All that has an owner."""
        return sum(self.held.values())


@dataclass
class _Growth(Watcher):
    """Looks every few steps at the live bytes and at who holds what."""

    modules: Mapping[str, Any] = field(default_factory=dict)
    problem: Any = None
    live: LiveBytes = field(default_factory=LiveBytes)
    looks: list[Look] = field(default_factory=list)
    step: int = 0

    def step_done(self, holders: tuple[Any, ...], point: Tensor) -> None:
        self.step += 1
        if self.step % _PACE == 0:
            gc.collect()  # cycles that nobody holds are no state
            roots = {"optimizer": holders[0], "state": holders[1], **self.modules}
            found = list(reachable(roots, besides=(self.problem,), packed=True))
            arrays = by_owner(item for item in found if isinstance(item.thing, Tensor | np.ndarray))
            self.looks.append(Look(self.step, self.live.live, sum(arrays.values()), by_owner(found)))


def check_stops_growing(subject: Subject) -> None:
    """Run on a problem that is never solved, longer than any history lasts, and look whether bytes still grow."""
    histories = [value for value in subject.options.values() if type(value) is int and value <= _LONGEST_HISTORY]
    steps = _PACE * 2 * _LOOKS + max(histories, default=0)
    if not _grows(_looks(subject, steps)):
        return
    looks = _looks(subject, 4 * steps + _UNDECLARED_HISTORY)  # a history that no option declares may still fill
    if _grows(looks):
        raise CheckFailed(_told(subject, looks[-_LOOKS], looks[-1]))


def _looks(subject: Subject, steps: int) -> list[Look]:
    here = place()
    problem = endless(_SIZE, here)
    subject.optimizer()  # imports its modules
    seen = _Growth(modules=modules_of(subject), problem=problem)
    gc.freeze()  # so that each later collection looks at the run's own objects only
    try:
        with seen.live:
            run(subject, problem, here, limited(evaluations=50 * steps, steps=steps), watcher=seen)
    finally:
        gc.unfreeze()
    return seen.looks


def _grows(looks: Sequence[Look]) -> bool:
    last = looks[-_LOOKS:]
    rises = _rises([look.live for look in last]) or _rises([look.arrays for look in last])
    return len(last) == _LOOKS and (rises or _rises([look.reachable for look in last], by=_VECTOR))


def _rises(sizes: Sequence[int], by: int = 1) -> bool:
    return all(after >= before + by for before, after in pairwise(sizes))


def _told(subject: Subject, first: Look, last: Look) -> str:
    """Return by how much memory grew, who holds it and, of tensors, which line made them."""
    grown = {owner: size - first.held.get(owner, 0) for owner, size in last.held.items()}
    holder = max(grown, key=grown.__getitem__, default="")
    known = bool(holder) and grown[holder] > 0
    held_by = f"{holder} holds ever more" if known else "it is held by neither it nor its state nor its modules"
    before, after, line = first.reachable, last.reachable, ""
    if last.live > first.live:
        before, after, line = first.live, last.live, made_at(births(subject, _SIZE, 3 * _PACE)[1])
    grows = f"{before} bytes after {first.step} steps, {after} after {last.step}"
    return f"memory grows with every step: {grows}; {held_by}{line}"
