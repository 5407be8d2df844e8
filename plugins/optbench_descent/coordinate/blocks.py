"""Which coordinates change together, and in which order. Imports no torch.

A block is a slice: of the n coordinates or, on a panel, of its K rows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from optbench.api import UserError

if TYPE_CHECKING:
    from optbench.api import Oracle


class Blocks(Protocol):
    """Cuts what is minimised over into blocks."""

    def of_point(self, oracle: Oracle) -> list[slice]:
        """Return slices of the n coordinates."""
        ...

    def of_rows(self, oracle: Oracle, rows: int) -> list[slice]:
        """Return slices of a panel's rows."""
        ...


@dataclass(frozen=True)
class Single:
    """One by one."""

    def of_point(self, oracle: Oracle) -> list[slice]:
        """Return a slice for each coordinate."""
        return _cut(oracle.size, [1])

    def of_rows(self, oracle: Oracle, rows: int) -> list[slice]:
        """Return a slice for each row."""
        return _cut(rows, [1])


@dataclass(frozen=True)
class Groups:
    """Neighbours together."""

    sizes: Sequence[int]

    def __post_init__(self) -> None:
        """Refuse no sizes."""
        if not self.sizes:
            raise UserError("groups(sizes=[])", "lengths of groups, such as [10] or [2, 3]")

    def of_point(self, oracle: Oracle) -> list[slice]:
        """Return groups of coordinates."""
        return _cut(oracle.size, self.sizes)

    def of_rows(self, oracle: Oracle, rows: int) -> list[slice]:
        """Return groups of rows."""
        return _cut(rows, self.sizes)


@dataclass(frozen=True)
class Given:
    """What the problem says belongs together."""

    def of_point(self, oracle: Oracle) -> list[slice]:
        """Return the problem's blocks, in their order along the point; raises UserError where it gives none."""
        if not oracle.coordinate_blocks:
            raise UserError('blocks="given"', "problems that give coordinate_blocks", 'take "groups" or "alternating"')
        ends = sorted(block.indices(oracle.size)[:2] for block in oracle.coordinate_blocks)
        return [slice(first, last) for first, last in ends if first < last]

    def of_rows(self, oracle: Oracle, rows: int) -> list[slice]:
        """Return the problem's blocks where rows are coordinates; raises UserError where they are longer."""
        if rows != oracle.size:
            raise UserError('blocks="given"', "problems whose rows are single coordinates", 'take "groups"')
        return self.of_point(oracle)


@dataclass(frozen=True)
class Alternating:
    """Tensor by tensor."""

    def of_point(self, oracle: Oracle) -> list[slice]:
        """Return a slice for each tensor of the layout; one of all where there is none."""
        places = [slice(offset, offset + math.prod(shape)) for offset, shape in oracle.layout.values()]
        return places or [slice(0, oracle.size)]

    def of_rows(self, oracle: Oracle, rows: int) -> list[slice]:
        """Return one block of all rows: a panel is a tensor."""
        return [slice(0, rows)]


def _cut(total: int, sizes: Sequence[int]) -> list[slice]:
    """Return slices of the given sizes, repeated, up to `total`."""
    ends = itertools.takewhile(lambda end: end < total, itertools.accumulate(itertools.cycle(sizes)))
    return [slice(first, last) for first, last in itertools.pairwise((0, *ends, total))]
