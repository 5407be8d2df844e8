"""CURVES: images of curves through three random points (Hinton & Salakhutdinov, Science 313, 2006, supporting text).

Six numbers make an image, so that an autoencoder with a code of six can be perfect. The curve is the parabola p(t) with
p(0), p(½) and p(1) at the three points; its ink is Gaussian across. Curves that leave the image are drawn anew.

Shapes: n images.
"""

from __future__ import annotations

import numpy as np
import torch

from optbench.api import Streams
from optbench_learning.data.splits import Array, Arrays, generated_sizes

SIDE = 28
WIDTH = 0.7  # standard deviation of the ink across the curve, pixels
MARGIN = 2.0  # pixels between the points and the border
POINTS = 96  # of a curve, whose ink is added up
SHARE = 5  # a fifth as many images for validation, and for testing, as for training
_AT_ONCE = 1000  # images that are drawn together


def curves(*, streams: Streams, n: int) -> Arrays:
    """Return images, 0 to 255, of which each is its own target: `y_train` and so on are the six numbers, 0 to 1."""
    arrays: Arrays = {}
    for part, count in generated_sizes(n, SHARE).items():
        knots = drawn(count, streams("curves", part))
        pieces = [pixels(knots[first : first + _AT_ONCE]) for first in range(0, count, _AT_ONCE)]
        arrays[f"x_{part}"] = np.concatenate(pieces)
        arrays[f"y_{part}"] = knots.reshape(count, -1) / (SIDE - 1)
    return arrays


def drawn(count: int, generator: torch.Generator) -> Array:
    """Return the points of `count` curves that stay in the image, (count, 3, 2) pixels."""
    kept: list[Array] = []
    while sum(map(len, kept)) < count:
        uniform = torch.rand(count, 3, 2, generator=generator, dtype=torch.float64).numpy()
        knots = MARGIN + (SIDE - 1 - 2 * MARGIN) * uniform
        path, _ = along(knots)
        stays = ((path >= MARGIN / 2) & (path <= SIDE - 1 - MARGIN / 2)).all(axis=(1, 2))
        kept.append(knots[stays])
    return np.concatenate(kept)[:count]


def along(knots: Array) -> tuple[Array, Array]:
    """Return points of the curves and the lengths of curve that each stands for, (n, P, 2) and (n, P)."""
    t = (np.arange(POINTS) + 0.5) / POINTS
    weights = np.stack(((1 - t) * (1 - 2 * t), 4 * t * (1 - t), t * (2 * t - 1)))  # Lagrange's, at 0, ½ and 1
    slopes = np.stack((4 * t - 3, 4 - 8 * t, 4 * t - 1))
    velocity = np.einsum("kp,nkd->npd", slopes, knots)
    return np.einsum("kp,nkd->npd", weights, knots), np.linalg.norm(velocity, axis=2) / POINTS


def pixels(knots: Array) -> Array:
    """Return the images, (n, 28, 28) bytes: as bright as can be on the middle of a straight line."""
    path, lengths = along(knots)
    distances = np.arange(SIDE) - path[..., None]  # (n, P, 2, 28)
    ink = np.exp(-0.5 * (distances / WIDTH) ** 2)
    across, down = ink[:, :, 0], ink[:, :, 1] * lengths[..., None]
    total = down.swapaxes(1, 2) @ across / (WIDTH * np.sqrt(2 * np.pi))
    return np.round(255 * np.minimum(total, 1)).astype(np.uint8)
