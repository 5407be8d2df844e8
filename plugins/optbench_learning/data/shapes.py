"""Geometrical shapes of two difficulties (Bengio, Louradour, Collobert & Weston, Curriculum Learning, 2009).

Images of 32 × 32 grey levels show an ellipse, a rectangle or a triangle. Basic ones are circles, squares and
equilateral triangles, which vary less in place, size, turn and grey levels. How much is ours to say: see `drawn`.

Shapes: n images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from optbench.api import Streams
from optbench_learning.data.splits import Array, Arrays, generated_sizes

SIDE = 32
ELLIPSE, RECTANGLE, TRIANGLE = range(3)
KINDS = 3
SHARE = 2  # half as many images for validation, and for testing, as for training
_AT_ONCE = 1000  # images that are drawn together
_CORNERS = np.pi * np.array([1 / 6, 5 / 6, 3 / 2])  # angles of an equilateral triangle's


@dataclass(frozen=True)
class Figure:
    """n shapes, each within its circle."""

    kind: Array  # (n,)
    centre: Array  # (n, 2), pixels
    radius: Array  # (n,), pixels
    turn: Array  # (n,), radians
    flatness: Array  # (n,), short axis or side by the long one
    corners: Array  # (n, 3), angles of a triangle's corners in the shape's own frame
    levels: Array  # (n, 2), of ground and shape, 0 to 1

    def rows(self, part: slice) -> Figure:
        """Return some of the shapes."""
        return Figure(**{name: array[part] for name, array in vars(self).items()})


def shapes(*, streams: Streams, n: int, mixed: bool) -> Arrays:
    """Return n training images, basic and geometrical ones in turns if `mixed`; all others are geometrical.

    Kinds come in turns; the difficulty is 0 for basic images and 1 for geometrical ones.
    """
    arrays: Arrays = {}
    for part, count in generated_sizes(n, SHARE).items():
        index = np.arange(count)
        kind = index % KINDS
        hard = (index // KINDS % 2 == 1) | (part != "train" or not mixed)
        figure = drawn(kind, hard, streams("shapes", part))
        pieces = [figure.rows(slice(first, first + _AT_ONCE)) for first in range(0, count, _AT_ONCE)]
        arrays[f"x_{part}"] = np.concatenate([pixels(piece) for piece in pieces])
        arrays[f"y_{part}"], arrays[f"difficulty_{part}"] = kind, hard.astype(np.int64)
    return arrays


def drawn(kind: Array, hard: Array, generator: torch.Generator) -> Figure:
    """Return shapes of the given kinds, (n,): geometrical where `hard`, (n,), basic elsewhere."""
    uniform = torch.rand(len(kind), 11, generator=generator, dtype=torch.float64).numpy()

    def within(column: int, basic: tuple[float, float], geometrical: tuple[float, float]) -> Array:
        low, high = (np.where(hard, hardest, easy) for easy, hardest in zip(basic, geometrical, strict=True))
        return low + (high - low) * uniform[:, column]

    radius = within(0, (8, 10), (5, 11))
    room = SIDE / 2 - 1 - radius
    offset = np.stack([within(column, (-0.5, 0.5), (-1, 1)) for column in (1, 2)], axis=1)
    ground = within(5, (0, 0.1), (0, 0.35))
    shape = ground + within(6, (0.8, 0.9), (0.3, 0.65))
    levels = np.stack((ground, shape), axis=1)
    return Figure(
        kind=kind,
        centre=(SIDE - 1) / 2 + offset * room[:, None],
        radius=radius,
        turn=within(3, (0, 0), (0, 2 * np.pi)),
        flatness=within(4, (1, 1), (0.4, 1)),
        corners=_CORNERS + np.stack([within(column, (0, 0), (-0.5, 0.5)) for column in (7, 8, 9)], axis=1),
        levels=np.where((hard & (uniform[:, 10] < 0.5))[:, None], 1 - levels, levels),
    )


def pixels(figure: Figure) -> Array:
    """Return the images, (n, 32, 32) bytes."""
    ground, shape = (np.round(255 * level)[:, None, None] for level in figure.levels.T)
    return np.where(inside(figure), shape, ground).astype(np.uint8)


def inside(figure: Figure) -> Array:
    """Return which pixels' centres lie in the shapes, (n, 32, 32)."""
    down, across = np.mgrid[:SIDE, :SIDE]
    x, y = (grid - centre[:, None, None] for grid, centre in zip((across, down), figure.centre.T, strict=True))
    cosine, sine = (function(figure.turn)[:, None, None] for function in (np.cos, np.sin))
    radius, flat = figure.radius[:, None, None], figure.flatness[:, None, None]
    u, v = (x * cosine + y * sine) / radius, (y * cosine - x * sine) / radius
    half = 1 / np.sqrt(1 + flat**2)  # of a rectangle's long side, whose corners lie on the circle
    kinds = [
        u**2 + (v / flat) ** 2 <= 1,
        (abs(u) <= half) & (abs(v) <= flat * half),
        _in_triangle(u, v, figure.corners),
    ]
    return np.choose(figure.kind[:, None, None], kinds)


def _in_triangle(u: Array, v: Array, corners: Array) -> Array:
    """Return which points lie to the left of all three sides, whose corners follow one another anticlockwise."""
    found = np.ones(u.shape, dtype=bool)
    for first in range(3):
        a, b = corners[:, first, None, None], corners[:, (first + 1) % 3, None, None]
        found &= (np.cos(b) - np.cos(a)) * (v - np.sin(a)) >= (np.sin(b) - np.sin(a)) * (u - np.cos(a))
    return found
