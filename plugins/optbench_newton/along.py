"""A search along a Newton step, the whole of it first. Shapes: n = number of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from torch import Tensor

from optbench.numerics.line import LineSearch
from optbench.numerics.position import Buffered, Visit, arrive
from optbench.numerics.progress import Finished, Progress
from optbench.numerics.ray import Ray
from optbench.numerics.steady import Steady

if TYPE_CHECKING:
    from optbench.api import Oracle


class Searching(Buffered, Protocol):
    """A state that remembers how its last search went."""

    finished: Finished | None
    last_step: float  # along the line of the last step
    progress: Progress
    steady: Steady  # whether steps go on like this for ever


def move_along(
    oracle: Oracle, state: Searching, here: Visit, direction: Tensor, slope: float, search: LineSearch
) -> bool:
    """Go where a search along a direction (n,) ends; tell whether that is elsewhere.

    A step of 1 is tried first, or more than the last one where nothing has bent f upwards.
    """
    ray = Ray(oracle, here, direction, state.spare)
    line, growth = ray.line(slope, state.progress.vast), state.steady.growth
    found = search.search(line, growth * state.last_step if growth > 1 else 1.0)
    state.steady.note(line, found)
    if found.outcome == "unbounded" or state.steady.is_endless:
        state.finished = "unbounded"
    if found.trial.step == 0:
        return False
    visit = ray.take(found.trial.step)
    state.last_step = visit.step
    arrive(state, visit)
    return True
