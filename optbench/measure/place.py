"""Where a trial runs."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from optbench.api import Streams


@dataclass(frozen=True)
class Place:
    """The device, the precision, and what all randomness is drawn from."""

    device: torch.device
    dtype: torch.dtype
    streams: Streams
