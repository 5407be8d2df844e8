"""Random streams keyed by (seed, purpose, name), so that arms stay paired when a meta-algorithm adds parameters."""

from __future__ import annotations

import hashlib

import torch


class SeededStreams:
    """The only source of randomness; the same key gives the same numbers on every device."""

    def __init__(self, seed: int) -> None:
        """Keep the seed: of a trial, or of data that are generated."""
        self.seed = seed

    def __call__(self, purpose: str, name: str = "") -> torch.Generator:
        """Return a fresh CPU generator for the key."""
        digest = hashlib.sha256(f"{self.seed}\0{purpose}\0{name}".encode()).digest()
        generator = torch.Generator()
        generator.manual_seed(int.from_bytes(digest[:8], "little") >> 1)
        return generator
