"""What to try next. Each method is a function of what was tried so far: an interrupted search goes on as it would have.

A method returns the positions of the next batch, all of them new; none when the search is over.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from optbench.records import Dimension, Position, Space, canonical_json, first_grid, grid_spacings, setting
from optbench.tuning.quality import Quality

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

REACH = 0.25  # of the span: how far beyond the edge a random search may look
REDRAWS = 20  # of a setting that was tried already
FINEST = 6  # halvings of a grid's spacing


@dataclass(frozen=True)
class Point:
    """A setting that was tried, and how good it was."""

    position: Position
    quality: Quality


class Proposes(Protocol):
    """Proposes settings."""

    def __call__(self, space: Space, tried: Sequence[Point], settings: int, seed: str, /) -> list[Position]:
        """Return what to try next, given what was tried of `settings` in all; `seed` names the tuning."""
        ...


def best(tried: Sequence[Point]) -> Point:
    """Return the best: of equally good ones the first, but the lowest where all failed, since rates fail above."""
    return min(tried, key=lambda point: (point.quality, point.position if math.isinf(point.quality.mean) else ()))


def edges(space: Space, tried: Sequence[Point]) -> list[tuple[int, int]]:
    """Return where the best is the outermost that was tried: (dimension, −1 below or +1 above).

    A value at a natural bound is at no edge: there is nothing beyond.
    """
    position, found = best(tried).position, []
    for index, part in enumerate(space):
        if part.ordered:
            values = [part.value(point.position[index]) for point in tried]
            value = part.value(position[index])
            found += [(index, -1)] if value == min(values) and value != part.floor else []
            found += [(index, +1)] if value == max(values) and value != part.ceiling else []
    return found


def grid(space: Space, tried: Sequence[Point], settings: int, _seed: str) -> list[Position]:
    """Try a grid; while its best lies at an edge, look one spacing beyond; then halve the spacing around the best."""
    if not tried:
        return _fresh(space, tried, first_grid(space, settings))[:settings]
    left = settings - len(tried)
    position = best(tried).position
    spacing = grid_spacings(space, settings)
    beyond = [_moved(position, index, side * spacing[index]) for index, side in edges(space, tried)]
    batches = [beyond, *(_around(space, position, spacing, 0.5**level) for level in range(FINEST + 1))]
    found = (_fresh(space, tried, batch) for batch in batches)
    return next((batch for batch in found if batch), [])[:left]


def draw(space: Space, tried: Sequence[Point], settings: int, seed: str) -> list[Position]:
    """Draw half of the settings at once, the others one by one; beyond the edge where the best lies at one."""
    if len(tried) >= settings:
        return []
    batch: list[Position] = []
    for index in range(len(tried), max(math.ceil(settings / 2), len(tried) + 1)):
        drawn = (_drawn(space, tried, random.Random(f"{seed} {index} {again}")) for again in range(REDRAWS))
        batch += next((new for item in drawn if (new := _fresh(space, tried, [item], batch))), [])
    return batch


def sample(space: Space, tried: Sequence[Point], settings: int, seed: str) -> list[Position]:
    """Ask Optuna's tree-structured Parzen estimator (Bergstra et al., 2011); draw half of the settings first.

    Optuna is told of the order of the qualities only, which is all that the estimator uses; it looks beyond the edge
    where the best lies at one.
    """
    first = math.ceil(settings / 2)
    if len(tried) < first:
        return draw(space, tried, settings, seed)
    if len(tried) >= settings:
        return []
    asked = (_asked(space, tried, f"{seed} {len(tried)} {again}") for again in range(REDRAWS))
    return next((new for item in asked if (new := _fresh(space, tried, [item]))), [])


METHODS: Mapping[str, Proposes] = {"grid": grid, "random": draw, "optuna": sample}


def _asked(space: Space, tried: Sequence[Point], seed: str) -> Position:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    ranges = {
        part.option: _distribution(part, reach) for part, reach in zip(space, _reaches(space, tried), strict=True)
    }
    sampler = optuna.samplers.TPESampler(seed=random.Random(seed).getrandbits(31), n_startup_trials=1)
    study = optuna.create_study(sampler=sampler)
    order = sorted(point.quality for point in tried)
    for point in tried:
        params = {part.option: at for part, at in zip(space, point.position, strict=True)}
        value = float(order.index(point.quality))
        study.add_trial(optuna.create_trial(params=params, distributions=ranges, value=value))
    asked = study.ask(ranges)
    return tuple(float(asked.params[part.option]) for part in space)


def _distribution(part: Dimension, reach: tuple[float, float]) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if not part.ordered:
        return CategoricalDistribution([float(index) for index in range(len(part.values))])
    return FloatDistribution(*reach)


def _reaches(space: Space, tried: Sequence[Point]) -> list[tuple[float, float]]:
    """Return the range of each dimension: its span and what was tried, and beyond it where the best is at the edge."""
    reaches = []
    at_edges = edges(space, tried) if tried else []
    for index in range(len(space)):
        low = min([0.0, *(point.position[index] for point in tried)])
        high = max([1.0, *(point.position[index] for point in tried)])
        reaches.append((low - REACH * ((index, -1) in at_edges), high + REACH * ((index, +1) in at_edges)))
    return reaches


def _drawn(space: Space, tried: Sequence[Point], source: random.Random) -> Position:
    at_edges = dict(edges(space, tried)) if tried else {}
    position = []
    for index, part in enumerate(space):
        if not part.ordered:
            position.append(float(source.randrange(len(part.values))))
        elif index in at_edges:  # no use in drawing where it has been worse
            position.append(best(tried).position[index] + at_edges[index] * REACH * (1 - source.random()))
        else:
            low, high = _reaches(space, tried)[index]
            position.append(low + (high - low) * source.random())
    return tuple(position)


def _around(space: Space, position: Position, spacing: Sequence[float], share: float) -> Iterator[Position]:
    for index, part in enumerate(space):
        if part.ordered:
            yield _moved(position, index, -share * spacing[index])
            yield _moved(position, index, share * spacing[index])


def _moved(position: Position, index: int, by: float) -> Position:
    return (*position[:index], position[index] + by, *position[index + 1 :])


def _fresh(
    space: Space, tried: Sequence[Point], positions: Iterable[Position], batch: Sequence[Position] = ()
) -> list[Position]:
    """Leave out positions whose settings were tried, stand in `batch`, or repeat one another."""
    taken = {_key(space, position) for position in (*(point.position for point in tried), *batch)}
    new: dict[str, Position] = {}
    for position in positions:
        new.setdefault(_key(space, position), position)
    return [position for key, position in new.items() if key not in taken]


def _key(space: Space, position: Position) -> str:
    return canonical_json(setting(space, position))
