"""Two ways to one number, compared entry by entry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from optbench.testing.framework import require

# What two exact ways may differ by: a share of what is compared, and of the most that is compared anywhere, which may
# have cancelled here. In float32 formulas lose half of the digits without being wrong.
_SHARES = {torch.float64: (1e-9, 1e-12), torch.float32: (torch.finfo(torch.float32).eps ** 0.5, 1e-4)}


@dataclass(frozen=True)
class Pair:
    """A result, (), (n,) or (n, n), and what it should be."""

    what: str
    got: Tensor
    expected: Tensor
    source: str  # of what is expected, as in " by symmetry"
    at: str  # " (file:line in name)" of what gave the result

    def size(self) -> float:
        """Return the largest finite entry of both."""
        both = torch.cat((self.got.reshape(-1), self.expected.reshape(-1))).detach().abs()
        return float(torch.where(both.isfinite(), both, 0.0).max())


def require_agreement(pairs: Iterable[Pair], dtype: torch.dtype = torch.float64) -> None:
    """Raise CheckFailed, with the worst entry, for the first pair that differs by more than rounding."""
    compared = list(pairs)
    share, cancelled = _SHARES[dtype]
    anywhere = max((pair.size() for pair in compared), default=0.0)
    for pair in compared:
        _require_close(pair, share * pair.size() + cancelled * anywhere)


def _require_close(pair: Pair, allowed: float) -> None:
    got, expected = pair.got.detach(), pair.expected.detach()
    same = (got == expected) | (got.isnan() & expected.isnan())
    difference = torch.where(same, 0.0, (got - expected).abs().nan_to_num(nan=torch.inf)).reshape(-1)
    index = int(difference.argmax())
    entry = (index,) if got.ndim == 1 else divmod(index, got.shape[-1]) if got.ndim else ()
    place = f"[{', '.join(map(str, entry))}]" if entry else ""
    numbers = f"expected {float(expected[entry]):.9g}{pair.source}, got {float(got[entry]):.9g}"
    require(float(difference[index]) <= allowed, f"{pair.what}{place}: {numbers}{pair.at}")
