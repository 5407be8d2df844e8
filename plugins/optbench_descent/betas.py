"""How much of the last direction nonlinear conjugate gradients keep.

Symbols: g and g⁺ are the gradients before and after a move along d, y = g⁺ − g. Each function returns a tensor of shape
(), and doesn't change if f is multiplied by a constant. Hager & Zhang, Pacific J. Optim. 2 (2006), survey them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from optbench.numerics.descent import Move
from optbench.numerics.reproducible import dot

Beta = Callable[[Move], Tensor]

_LEAST = 0.4  # of Hager and Zhang's bound


def fletcher_reeves(move: Move) -> Tensor:
    """Return g⁺·g⁺ / g·g (Nocedal & Wright 2006, equation 5.41a; 8.30 of the book)."""
    return dot(move.next_gradient, move.next_gradient) / dot(move.gradient, move.gradient)


def polak_ribiere(move: Move) -> Tensor:
    """Return g⁺·y / g·g (equation 5.44; 8.31 of the book)."""
    return dot(move.next_gradient, _change(move)) / dot(move.gradient, move.gradient)


def polak_ribiere_plus(move: Move) -> Tensor:
    """Return the Polak-Ribière value, or 0 where it is negative (equation 5.45)."""
    return polak_ribiere(move).clamp_(min=0)


def hestenes_stiefel(move: Move) -> Tensor:
    """Return g⁺·y / d·y (equation 5.46)."""
    return dot(move.next_gradient, _change(move)) / dot(move.direction, _change(move))


def dai_yuan(move: Move) -> Tensor:
    """Return g⁺·g⁺ / d·y (equation 5.49)."""
    return dot(move.next_gradient, move.next_gradient) / dot(move.direction, _change(move))


def hager_zhang(move: Move) -> Tensor:
    """Return (y − 2·(y·y/d·y)·d)·g⁺ / d·y, or 0.4·d·g/d·d where that is larger.

    SIAM J. Optim. 16 (2005), equation 1.3, with the bound of CG_DESCENT since SIAM J. Optim. 23 (2013): unlike the
    first one, η = −1/(|d|·min(0.01, |g|)), it doesn't depend on how f is scaled.
    """
    change = _change(move)
    bend = dot(move.direction, change)
    value = dot(change, move.next_gradient) / bend
    slope = dot(move.direction, move.next_gradient)
    value -= dot(change, change) / bend * (2 * slope) / bend  # in this order: no fourth power of a unit
    return torch.maximum(value, _LEAST * dot(move.direction, move.gradient) / dot(move.direction, move.direction))


def _change(move: Move) -> Tensor:
    return move.next_gradient - move.gradient


BETAS: Mapping[str, Beta] = {
    "fletcher-reeves": fletcher_reeves,
    "polak-ribiere": polak_ribiere,
    "polak-ribiere+": polak_ribiere_plus,
    "hestenes-stiefel": hestenes_stiefel,
    "dai-yuan": dai_yuan,
    "hager-zhang": hager_zhang,
}
