"""Least squares on an unbounded stream of fresh examples. Shapes: n parameters, B examples of a minibatch."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from optbench.api import Point, Streams
from optbench_testfunctions.quadratic import log_uniform, reflect, reflection_vectors

CHUNK_NUMBERS = 2**18  # drawn at once: 2 MB


class ExampleStream:
    """Examples (a, ε) by number 0, 1, 2, …: a ~ N(0, QΛQ) of shape (n,) and ε ~ N(0, σ²), in float64 on the CPU.

    Drawn in chunks, each from a random stream of its own, so that an example depends on the seed, its number and n
    alone: any minibatch can be drawn again, and trials that cut the stream differently see the same examples.
    """

    def __init__(self, streams: Streams, eigenvalues: Tensor, vectors: Tensor, noise: float) -> None:
        """Keep λ, (n,), the reflections of Q, (k, n), and σ; nothing is drawn yet."""
        self._streams, self._vectors, self._noise = streams, vectors, noise
        self._scales = eigenvalues.sqrt()
        self._length = max(1, CHUNK_NUMBERS // len(eigenvalues))
        self._held: dict[int, tuple[Tensor, Tensor]] = {}

    def examples(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Return a, (B, n), and ε, (B,), of these numbers, (B,); their chunks are held until others are asked for."""
        chunks = numbers.div(self._length, rounding_mode="floor")
        wanted = chunks.unique()
        self._held = {chunk: self._held.get(chunk) or self._draw(chunk) for chunk in wanted.tolist()}
        rows = torch.searchsorted(wanted, chunks) * self._length + numbers.remainder(self._length)
        if len(self._held) == 1:
            ((inputs, noise),) = self._held.values()
        else:
            inputs, noise = map(torch.cat, zip(*self._held.values(), strict=True))
        return inputs[rows], noise[rows]

    def _draw(self, chunk: int) -> tuple[Tensor, Tensor]:
        generator = self._streams("examples", str(chunk))
        # In float32, five times as fast: rounding changes moments by 1e-7 only, and what was drawn is then exact.
        drawn = torch.randn(self._length, len(self._scales) + 1, dtype=torch.float32, generator=generator).double()
        inputs = drawn[:, 1:] * self._scales
        return inputs - 2.0 * (inputs @ self._vectors.T) @ self._vectors, self._noise * drawn[:, 0]


class StreamingLeastSquares:
    """f(x) = E[(y − aᵀx)²] = (x − θ*)ᵀΣ(x − θ*) + σ², without a ½, for y = aᵀθ* + ε and Σ = E[aaᵀ] = QΛQ.

    Q is `reflection_vectors`' orthogonal matrix, λ lies in [1/condition, 1]. The start is 0 and θ* = Q(nλ)^(−½): each
    eigenvector carries the same share of f(0) − f* = 1. f* = σ².

    A minibatch is a tensor of example numbers; `batch` takes the mean of (y − aᵀx)² over it. The one in force was
    looked up when it was drawn, off the clock; another one is drawn again when it is asked for.
    """

    f_star_source = "exact"
    f_star_from_start = None

    def __init__(
        self,
        streams: Streams,
        eigenvalues: Tensor,
        *,
        noise: float,
        batch_size: int | None,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        """Build from λ > 0, float64 of shape (n,) on the CPU; `batch_size` None: every evaluation is of f itself."""
        self.size, self.batch_size, self.f_star = len(eigenvalues), batch_size, noise**2
        self.forward_flops = 2 * self.size
        vectors = reflection_vectors(self.size)
        minimiser = reflect(vectors, (self.size * eigenvalues).rsqrt())
        self.eigenvalues, self.vectors = eigenvalues.to(device, dtype), vectors.to(device, dtype)
        self.minimiser = minimiser.to(device, dtype)
        self._stream = ExampleStream(streams, eigenvalues, vectors, noise)
        self._batch: Tensor | None = None  # the minibatch in force, and its examples on the device
        self._examples: tuple[Tensor, Tensor] = (self.minimiser, self.minimiser)

    def start(self, streams: Streams) -> Point:
        """Return the origin."""
        return Point(parameters=torch.zeros_like(self.minimiser))

    def batches(self, streams: Streams) -> Iterator[Tensor] | None:
        """Return minibatches of fresh examples without end; each call begins with the first example again."""
        return None if self.batch_size is None else self._minibatches(self.batch_size)

    def value(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return f(x), or the mean over the minibatch."""
        if batch is None:
            reflected = reflect(self.vectors, x - self.minimiser)
            return self.eigenvalues.dot(reflected * reflected) + self.f_star
        return self._residuals(x, batch)[1].square().mean()

    def gradient(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return 2Σ(x − θ*), or the mean of 2a(aᵀx − y) over the minibatch."""
        return self.value_and_gradient(x, batch)[1]

    def value_and_gradient(self, x: Tensor, batch: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return both for one product with the inputs."""
        if batch is None:
            error = x - self.minimiser
            product = self.hessian_vector(x, error)
            return 0.5 * error.dot(product) + self.f_star, product
        inputs, residuals = self._residuals(x, batch)
        return residuals.square().mean(), inputs.T.mv(residuals).mul_(2.0 / len(batch))

    def hessian_vector(self, x: Tensor, v: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return 2Σv, or the mean of 2a aᵀv over the minibatch."""
        if batch is None:
            return 2.0 * reflect(self.vectors, self.eigenvalues * reflect(self.vectors, v))
        inputs, _ = self._look_up(batch)
        return inputs.T.mv(inputs.mv(v)).mul_(2.0 / len(batch))

    def _residuals(self, x: Tensor, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Return the inputs, (B, n), and aᵀx − y = aᵀ(x − θ*) − ε, (B,)."""
        inputs, noise = self._look_up(batch)
        return inputs, inputs.mv(x - self.minimiser) - noise

    def _minibatches(self, batch_size: int) -> Iterator[Tensor]:
        first = 0
        while True:
            numbers = torch.arange(first, first + batch_size)
            examples = self._draw(numbers)
            self._batch, self._examples = numbers.to(self.minimiser.device), examples
            yield self._batch
            first += batch_size

    def _look_up(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        if batch is not self._batch:
            self._batch, self._examples = batch, self._draw(batch.cpu())
        return self._examples

    def _draw(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        inputs, noise = self._stream.examples(numbers)
        return inputs.to(self.minimiser), noise.to(self.minimiser)


def make_streaming_least_squares(
    *,
    device: torch.device,
    dtype: torch.dtype,
    streams: Streams,
    n: int,
    noise: float,
    condition: float,
    batch_size: int,
) -> StreamingLeastSquares:
    """Return the regression of n parameters whose inputs' covariance has eigenvalues in [1/condition, 1]."""
    eigenvalues = log_uniform(n, condition, n)
    return StreamingLeastSquares(
        streams, eigenvalues, noise=noise, batch_size=batch_size or None, device=device, dtype=dtype
    )
