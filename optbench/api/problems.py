"""Points and problems. Shapes: n = number of parameters, m = number of residuals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from optbench.api.errors import UserError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Role = Literal["input", "hidden", "output", "auxiliary"]  # of a block in a model
Layout = Mapping[str, tuple[int, tuple[int, ...]]]  # tensor name -> (offset, shape)


def layout_views(flat: Tensor, layout: Layout) -> tuple[Tensor, ...]:
    """Return the tensors of a flat vector (n,) as views of it, in the order of the layout; itself where it is empty."""
    if not layout:
        return (flat,)
    lengths = [(offset, math.prod(shape), shape) for offset, shape in layout.values()]
    return tuple(flat[offset : offset + length].view(shape) for offset, length, shape in lengths)


class Streams(Protocol):
    """The only source of randomness: keyed, so that arms stay paired when a meta-algorithm adds parameters."""

    def __call__(self, purpose: str, name: str = "") -> torch.Generator:
        """Return a CPU generator seeded by a hash of (seed, purpose, name); the same key gives the same numbers."""
        ...


@dataclass(frozen=True, kw_only=True)
class Point:
    """A point: parameters and, where the problem keeps them, running statistics."""

    parameters: Tensor  # (n,), flat, contiguous, on the trial's device and dtype
    statistics: Tensor | None = None  # running statistics, flat; belong to the problem, not to the optimizer
    layout: Layout = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """What is known of f as a function of one tensor B of the layout, seen as K rows, the others held fixed.

    f = ½⟨B, GB⟩ + ⟨C, B⟩ + l1·Σ|B| + constant while no row is longer than `bound`, where G is what `gram` gives: rows
    interact, the entries of one row don't. With rows beyond the bound, f is that of the rows shortened to it.
    The problem's gradient takes sign(0) = 0 for |B|, its Hessian is that of the rest.
    """

    l1: float = 0.0
    bound: float = math.inf  # of each row's Euclidean length

    def __post_init__(self) -> None:
        """Raise UserError for what is no weight, or no length."""
        if not (_is_number(self.l1) and self.l1 >= 0):
            raise UserError(f"Panel(l1={self.l1!r})", "a number from 0")
        if not (_is_number(self.bound) and self.bound > 0):
            raise UserError(f"Panel(bound={self.bound!r})", "a number above 0", "leave it out where rows have no bound")


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)


@runtime_checkable
class Problem(Protocol):
    """What is minimised. Only these are required; the oracle derives the rest by autograd unless the problem gives it.

    Optional methods: `gradient(x) -> (n,)`, `value_and_gradient(x)`, `residuals(x) -> (m,)`, `jacobian(x) -> (m, n)`,
    `hessian_vector(x, v) -> (n,)`, `hessian(x) -> (n, n)`, `line_minimum(x, direction) -> ()`,
    `gauss_newton_vector(x, v) -> (n,)`, which residuals give, too; and, for methods that work tensor by tensor,
    `value_and_gradient_tensors(x)` with the gradient as a tuple in the order of the layout.
    Minibatches: `batches(streams) -> iterator of LongTensor` (None where the problem is full-batch); then each method
    above also takes `batch: Tensor | None` (None: all examples).
    Statistics: evaluations keep theirs aside; `commit(x)` folds in those of this step's evaluation at x or, if there
    was none, those of the step's first; `statistics() -> Tensor | None`, `restore(Tensor)`, and for the points of
    readouts `estimated_statistics(x) -> Tensor | None`, from a pass over the training examples.
    Optional attributes: `batch_size` (int or None), `examples` (how many one full evaluation uses),
    `forward_flops` (model FLOPs of one example's forward pass), `coordinate_blocks` (sequence of slices),
    `local_minima` (values of f at other minima that descent may end at; only shown, never counted as solved).
    Known blur: `blurred(sigma) -> Problem`, E f(x + σz) over z ~ N(0, I) in closed form, from the same start.
    A rewritten objective: `points_per_evaluation`, at how many points the one that it is made of is evaluated for one
    evaluation of its own, which counts as so many.
    Known structure: `panels` (tensor name -> Panel, for each tensor of the layout) with `gram(x, name) -> (K, K)`.
    """

    size: int
    f_star: float | None
    f_star_source: str  # "exact" | "bound" | "best known" | ""
    f_star_from_start: float | None  # where descent from the standard start ends, if elsewhere

    def start(self, streams: Streams) -> Point:
        """Return the standard start."""
        ...

    def value(self, x: Tensor) -> Tensor:
        """Return f(x), a tensor of shape ()."""
        ...


@dataclass(frozen=True, kw_only=True)
class FunctionProblem:
    """A problem from plain functions of one argument x of shape (n,).

    With `numpy=True` the functions take and return numpy float64; otherwise torch tensors, and missing derivatives come
    from autograd. A numpy problem without `gradient` gives values only.
    """

    size: int
    start_point: Sequence[float]
    value: Callable[[Any], Any]
    gradient: Callable[[Any], Any] | None = None
    hessian: Callable[[Any], Any] | None = None
    f_star: float | None = None
    f_star_source: str = ""
    numpy: bool = False


@dataclass(frozen=True, kw_only=True)
class Block:
    """A named piece of a model; blocks are applied one after the other."""

    name: str  # parameters are named "block.parameter"
    role: Role
    build: Callable[[], torch.nn.Module]


class LearningProblem(Problem, Protocol):
    """A model as ordered blocks, a loss and split data; parameters are views of one flat tensor.

    Problems made from it share the data. `loss(outputs, targets, reduction)` follows torch.nn.functional. Optional:
    `difficulty: Tensor (N,)` of the training examples, larger is harder.
    """

    blocks: tuple[Block, ...]

    def with_blocks(self, blocks: Sequence[Block]) -> LearningProblem:
        """Return the problem with another model."""
        ...

    def with_loss(self, loss: Callable[..., Tensor]) -> LearningProblem:
        """Return the problem with another loss."""
        ...

    def with_sampling(self, sampling: Any) -> LearningProblem:
        """Return the problem with another way of drawing minibatches."""
        ...

    def with_weighting(self, weighting: Callable[[Tensor], Tensor]) -> LearningProblem:
        """Return the problem with weights of an evaluation's examples, (B,) -> (B,), of mean 1 over all examples.

        On minibatches the objective over all of them stays unweighted; without minibatches it is weighted, too.
        """
        ...
