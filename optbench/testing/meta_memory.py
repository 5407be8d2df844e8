"""The check of what a meta-algorithm says of memory, in exact bytes. Shapes: n = number of parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from optbench.analysis import fit_exponent
from optbench.measure.ledger import Ledger
from optbench.measure.memory import LiveBytes
from optbench.measure.place import Place
from optbench.records import Budget
from optbench.records.orders import SLACK_OF_FEW, degree, unreadable
from optbench.records.text import interval_text
from optbench.testing.blame import defined_at
from optbench.testing.framework import CheckFailed, DoesNotApply, Subject, require
from optbench.testing.meta_behaviour import apply, call_of
from optbench.testing.meta_rig import plain_recipe
from optbench.testing.needs import FROM_A_NET, needs_of
from optbench.testing.trials import Watcher, drive, place
from optbench.testing.workloads import Quadratic, deep_net

_SIZES = (32, 64, 128, 256)  # of quadratics
_WIDTHS = (4, 8, 16, 32)  # of a net's layers
_EVALUATIONS = 60


@dataclass
class _Peak(Watcher):
    """Follows the bytes that come alive once the first stage begins; copies no points, which would count."""

    live: LiveBytes = field(default_factory=LiveBytes)
    begun: bool = False

    def init_begins(self, problem: Any, start: Tensor) -> None:
        if not self.begun:
            self.live.forget_all()
        self.begun = True

    def step_done(self, holders: tuple[Any, ...], point: Tensor) -> None:
        pass


def check_memory(subject: Subject) -> None:
    """Fit the exponent of the peak of live bytes over n, and compare it with the declared one."""
    allowed = degree(subject.record.extra_memory)
    if allowed is None:
        raise CheckFailed(f"extra_memory is declared {unreadable(subject.record.extra_memory)}")
    here = place()
    measured = [(problem.size, _peak(subject, problem, here)) for problem in _problems(subject, here)]
    sizes, peaks = zip(*measured, strict=True)
    fit = fit_exponent(sizes, peaks)
    grows = f"live bytes grow as n^{fit.exponent:.2f} (95 % interval {interval_text(fit.low, fit.high)})"
    declared = f"extra_memory is declared {subject.record.extra_memory}"
    seen = f"{peaks[0]} bytes at n = {sizes[0]}, {peaks[-1]} at n = {sizes[-1]}"
    within = fit.exponent <= max(allowed, 1.0) + SLACK_OF_FEW or fit.low <= allowed
    require(within, f"{grows}, {declared}: {seen}{defined_at(call_of(subject))}")


def _problems(subject: Subject, here: Place) -> Iterator[Any]:
    """Yield quadratics, or nets where it needs one, or takes no other problem."""
    takes_any = not needs_of(subject) & FROM_A_NET
    if takes_any and apply(subject, plain_recipe(Quadratic(_SIZES[0], here)), here, "a quadratic") is not None:
        yield from (Quadratic(size, here) for size in _SIZES)
    else:
        yield from (deep_net(here, width) for width in _WIDTHS)


def _peak(subject: Subject, problem: Any, here: Place) -> int:
    recipe = apply(subject, plain_recipe(problem), here, "a problem")
    if recipe is None:
        raise DoesNotApply(f"it refuses the {type(problem).__name__} that memory is measured on")
    watcher = _Peak()
    with watcher.live:
        drive(recipe, here, Budget(evaluations=_EVALUATIONS), ledger=Ledger(), watcher=watcher)
    return watcher.live.peak
