"""A fixed piece of work whose time tells how fast the machine is at the moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import torch

_SIZE = 768  # the matrix of 4.7 MB exceeds the first two cache levels of common processors
_BLOCKS = 8  # parameter tensors of a small network
_STEPS = 4
_SQUARE = 96


class ReferenceKernel:
    """Heavy-ball steps on a quadratic form, over blocks of parameters, with a small matrix product beside each.

    It loads what an optimizer's step loads: memory bandwidth (matrix-vector product), the arithmetic units (matrix
    product), the interpreter and torch's dispatch (many operations on small tensors, a scalar read by the host). Each
    run starts at the same point and does the same operations on buffers that are allocated once: float64, CPU.
    """

    def __init__(self) -> None:
        """Allocate the buffers: 5 MB."""
        generator = torch.Generator().manual_seed(0)

        def normal(*shape: int) -> torch.Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64, device="cpu")

        self._matrix = normal(_SIZE, _SIZE) / _SIZE**0.5
        self._square = normal(_SQUARE, _SQUARE) / _SQUARE**0.5
        self._product = torch.empty_like(self._square)
        self._start = normal(_SIZE)
        self._point, self._velocity, self._gradient = (torch.empty_like(self._start) for _ in range(3))
        vectors = (self._point, self._velocity, self._gradient)
        self._blocks = tuple(zip(*(vector.chunk(_BLOCKS) for vector in vectors), strict=True))

    def run(self) -> float:
        """Do the work once; returns the norm that it ends with, the same each time."""
        norm = 0.0
        self._point.copy_(self._start)
        self._velocity.zero_()
        for _ in range(_STEPS):
            torch.mv(self._matrix, self._point, out=self._gradient)
            torch.mm(self._square, self._square, out=self._product)
            for point, velocity, gradient in self._blocks:
                velocity.mul_(0.9).add_(gradient)
                point.add_(velocity, alpha=-0.1)
            norm = float(torch.linalg.vector_norm(self._gradient))
        return norm

    def seconds(self, clock: Callable[[], float] = time.perf_counter, repetitions: int = 5) -> float:
        """Return the least time of a run, on one thread, after one that brings the buffers into the caches."""
        with _one_thread(), torch.no_grad():
            self.run()
            return min(self._timed(clock) for _ in range(repetitions))

    def _timed(self, clock: Callable[[], float]) -> float:
        before = clock()
        self.run()
        return clock() - before


@contextmanager
def _one_thread() -> Iterator[None]:
    """Run torch on one thread, and afterwards on as many as before."""
    before = torch.get_num_threads()
    if before == 1:  # nothing to set: setting it is not free
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@cache
def kernel() -> ReferenceKernel:
    """Return this process's kernel, built at the first call; forked children share its pages."""
    return ReferenceKernel()


def reference_seconds(clock: Callable[[], float] = time.perf_counter, repetitions: int = 5) -> float:
    """Return the seconds of the fixed piece of work, the least of `repetitions`: about half a millisecond each.

    Two results differ by what slowed the machine meanwhile: frequency, throttling, caches and memory shared with
    others. Waiting for a processor hardly shows, since a run fits between two turns of the scheduler.
    """
    return kernel().seconds(clock, repetitions)
