"""Sparse coding: a dictionary and sparse codes, learnt together.

Shapes: K atoms of d numbers, N examples of d numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from optbench.api import Layout, Panel, Point, Streams

CODES, DICTIONARY = "codes", "dictionary"
_ROUNDING = 8.0  # how many units in the last place an atom of length 1 may exceed it
_LENGTH = 0.5  # of the first atoms


class SparseCoding:
    """J(H, W) = Σ|H| + Σ(X − WᵀH)² over codes H (K, N) and atoms W (K, d), the rows of W at most 1 long.

    Goodfellow, Bengio & Courville, Deep Learning (2016), section 8.7.2. Without the bound J has no minimiser: atoms
    grow and codes vanish. A longer atom counts as the atom shortened to 1, so that J is defined everywhere, no method
    gains by leaving the bound, and the least value is that within it.

    The start is random atoms of length ½ and H = WX. Each of H and W alone is a convex problem, both together are none.
    """

    f_star: float | None = None
    f_star_source = ""
    f_star_from_start: float | None = None

    def __init__(self, examples: Tensor, *, atoms: int) -> None:
        """Keep the examples X, (d, N)."""
        self.inputs, self.atoms = examples, atoms
        width, count = examples.shape
        self.size = atoms * (count + width)
        self.examples = count
        self.forward_flops = 2 * atoms * width

    @property
    def layout(self) -> Layout:
        """Codes, then atoms."""
        width, count = self.inputs.shape
        return {CODES: (0, (self.atoms, count)), DICTIONARY: (self.atoms * count, (self.atoms, width))}

    @property
    def panels(self) -> Mapping[str, Panel]:
        """Quadratic in either, with absolute values of the codes and a bound of the atoms."""
        return {CODES: Panel(l1=1.0), DICTIONARY: Panel(bound=1.0)}

    def start(self, streams: Streams) -> Point:
        """Draw the atoms in float64, so that devices and dtypes stay paired."""
        width, _ = self.inputs.shape
        atoms = torch.randn(self.atoms, width, generator=streams("weights", DICTIONARY), dtype=torch.float64)
        atoms *= _LENGTH / torch.linalg.vector_norm(atoms, dim=1, keepdim=True)
        codes = atoms @ self.inputs.to("cpu", torch.float64)
        point = torch.cat((codes.flatten(), atoms.flatten()))
        return Point(parameters=point.to(self.inputs.device, self.inputs.dtype), layout=self.layout)

    def value(self, x: Tensor) -> Tensor:
        """Return J."""
        codes, atoms = self._tensors(x)
        return codes.abs().sum() + (self.inputs - (atoms * _shortening(atoms)).T @ codes).square().sum()

    def gradient(self, x: Tensor) -> Tensor:
        """Return the gradient, (n,)."""
        return self.value_and_gradient(x)[1]

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return J and sign(H) − 2WE, −2HEᵀ for E = X − WᵀH; of a long atom, what is across it, shortened."""
        codes, atoms = self._tensors(x)
        shortening = _shortening(atoms)
        short = atoms * shortening
        errors = self.inputs - short.T @ codes
        gradient = torch.empty_like(x)
        of_codes, of_atoms = self._tensors(gradient)
        torch.addmm(torch.sign(codes), short, errors, alpha=-2, out=of_codes)
        torch.mm(codes, errors.T, out=of_atoms)
        of_atoms *= -2
        along = (short * of_atoms).sum(1, keepdim=True)
        of_atoms -= torch.where(shortening < 1, along, 0) * short
        of_atoms *= shortening
        return codes.abs().sum() + errors.square().sum(), gradient

    def gram(self, x: Tensor, name: str) -> Tensor:
        """Return 2WWᵀ for the codes, 2HHᵀ for the atoms, (K, K)."""
        codes, atoms = self._tensors(x)
        rows = codes if name == DICTIONARY else atoms * _shortening(atoms)
        return (rows @ rows.T).mul_(2)

    def _tensors(self, x: Tensor) -> tuple[Tensor, Tensor]:
        width, count = self.inputs.shape
        codes, atoms = x.split((self.atoms * count, self.atoms * width))
        return codes.view(self.atoms, count), atoms.view(self.atoms, width)


def _shortening(atoms: Tensor) -> Tensor:
    """Return what shortens each atom to at most 1, (K, 1): exactly 1 where it is no longer but for rounding."""
    lengths = torch.linalg.vector_norm(atoms, dim=1, keepdim=True)
    longest = 1 + _ROUNDING * torch.finfo(atoms.dtype).eps
    return torch.where(lengths > longest, lengths, 1).reciprocal()
