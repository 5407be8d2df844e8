"""Supervised learning as a problem of one flat vector. Shapes: n parameters, N examples, B examples of a minibatch."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Self, cast

import torch
from torch import Tensor

from optbench.api.curvature import gauss_newton_product
from optbench.api.errors import UserError
from optbench.api.problems import Block, Layout, Point, Streams, layout_views

Split = Literal["train", "test", "validation"]
Examples = tuple[Tensor, Tensor]  # inputs (N, …), targets (N,) of class indices or (N, …)
Loss = Callable[..., Tensor]  # loss(outputs, targets, reduction="mean"), as in torch.nn.functional
Sampling = Callable[[Streams, int, int], Iterator[Tensor]]  # (streams, N, B) -> index tensors of minibatches
Initializer = Callable[[str, Tensor, torch.Generator], None]  # (tensor name, tensor, generator): in place


def reshuffled(streams: Streams, examples: int, batch_size: int) -> Iterator[Tensor]:
    """Yield minibatches without end: each epoch a new order, cut into equal parts; what is left over waits.

    All minibatches have `batch_size` examples, so that every step costs the same. The order depends on the seed alone,
    so that recipes with other models see the same examples.
    """
    generator = streams("batches")
    while True:
        order = torch.randperm(examples, generator=generator)
        for first in range(0, examples - batch_size + 1, batch_size):
            yield order[first : first + batch_size]


def check_batch_size(batch_size: int | None, examples: int) -> None:
    """Raise UserError where there are not that many examples; None stands for all."""
    if batch_size is not None and not 0 < batch_size <= examples:
        raise UserError(f"batch_size={batch_size}", f"1 to {examples} examples, or 0 for all of them")


def glorot_uniform(name: str, tensor: Tensor, generator: torch.Generator) -> None:
    """Draw weights from U(−√(6/(m + n)), √(6/(m + n))), m inputs and n outputs (Glorot and Bengio, 2010); zero biases.

    Vectors that are no bias, such as the scales of a normalisation, keep what their module gave them.
    """
    if tensor.ndim >= 2:
        torch.nn.init.xavier_uniform_(tensor, generator=generator)
    elif name.rpartition(".")[2] == "bias":
        tensor.zero_()


class Leaves:
    """The tensors of a point as leaves to differentiate by, kept while the same point is asked about.

    They share the point's memory: a method that moves its point in place gets the same leaves at each step.
    """

    def __init__(self, layout: Layout) -> None:
        """Know the layout."""
        self._layout = layout
        self._point: Tensor | None = None
        self._pointer = -1
        self._leaves: tuple[Tensor, ...] = ()

    def at(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the leaves of x (n,), in the order of the layout."""
        if x is not self._point or x.data_ptr() != self._pointer:
            self._point, self._pointer = x, x.data_ptr()
            self._leaves = tuple(view.requires_grad_() for view in layout_views(x.detach(), self._layout))
        return self._leaves


class Substituted:
    """A module as a function of its parameters, in the order of `named_parameters`.

    The same as torch.func.functional_call without its checks by name, which cost a small net a fifth of a step.
    """

    def __init__(self, module: torch.nn.Module) -> None:
        """Look up where each parameter is kept."""
        self._module = module
        self._own = list(module.parameters())
        paths = [name.rpartition(".") for name, _ in module.named_parameters()]
        self._slots = [(module.get_submodule(path)._parameters, name) for path, _, name in paths]  # noqa: SLF001

    def __call__(self, tensors: Sequence[Tensor], inputs: Tensor) -> Tensor:
        """Return the module's outputs with `tensors` in place of its parameters."""
        try:
            self._put(tensors)
            outputs: Tensor = self._module(inputs)
            return outputs
        finally:
            self._put(self._own)

    def _put(self, tensors: Sequence[Tensor]) -> None:
        for (parameters, name), tensor in zip(self._slots, tensors, strict=True):
            parameters[name] = cast("torch.nn.Parameter", tensor)  # a view of x: no leaf of its own


def count_flops(module: torch.nn.Module, inputs: Tensor) -> int:
    """Return 2 × weights × places, summed over the linear and convolutional modules that `inputs` pass through."""
    total = 0

    def add(layer: torch.nn.Module, _: Any, outputs: Tensor) -> None:
        nonlocal total
        if isinstance(layer, torch.nn.Linear | torch.nn.Conv1d | torch.nn.Conv2d):
            total += 2 * layer.weight.numel() * (outputs.numel() // layer.weight.shape[0])

    handle = torch.nn.modules.module.register_module_forward_hook(add)
    try:
        with torch.no_grad():
            module(inputs)
    finally:
        handle.remove()
    return total


@dataclass(frozen=True, kw_only=True, eq=False)  # equal only to itself: tensors have no truth value
class SupervisedProblem:
    """Mean loss of a model of blocks applied one after the other, plus ½ l2 ‖weights‖² (biases are not penalised).

    The parameters are views into the flat vector x, named "block.parameter". The model's own tensors are never used
    but for their shapes and for what an initializer leaves alone.
    """

    blocks: tuple[Block, ...]
    data: Mapping[str, Examples]  # "train", "test" and perhaps "validation", on the device; inputs of x's dtype
    loss: Loss = torch.nn.functional.cross_entropy
    batch_size: int | None = None  # None: all examples
    l2: float = 0.0
    sampling: Sampling = reshuffled
    initialize: Initializer = glorot_uniform
    f_star: float | None = None
    f_star_source: str = ""
    f_star_from_start: float | None = None

    def __post_init__(self) -> None:
        """Check what would only fail at the first minibatch."""
        check_batch_size(self.batch_size, self.examples)
        if len({block.name for block in self.blocks}) != len(self.blocks):
            raise UserError(f"blocks {[block.name for block in self.blocks]}", "each name once")

    # ---- the model

    @cached_property
    def model(self) -> torch.nn.Module:
        """The blocks, built; buffers, if any, on the data's device and dtype."""
        inputs, _ = self.data["train"]
        with torch.random.fork_rng(devices=()):  # modules draw weights as they are built: leave no trace, repeat
            torch.manual_seed(0)
            modules = OrderedDict((block.name, block.build()) for block in self.blocks)
        return torch.nn.Sequential(modules).to(inputs.device, inputs.dtype)

    @cached_property
    def layout(self) -> Layout:
        """Where each tensor lies in x."""
        layout, offset = {}, 0
        for name, parameter in self.model.named_parameters():
            layout[name] = (offset, tuple(parameter.shape))
            offset += parameter.numel()
        return layout

    @property
    def size(self) -> int:
        """The number of parameters."""
        return sum(self._lengths)

    @property
    def examples(self) -> int:
        """How many examples one full evaluation uses."""
        return len(self.data["train"][0])

    @cached_property
    def forward_flops(self) -> int:
        """Model FLOPs of one example's forward pass; see `count_flops`."""
        inputs, _ = self.data["train"]
        return count_flops(self.model, inputs[:1])

    @cached_property
    def _lengths(self) -> list[int]:
        return [math.prod(shape) for _, shape in self.layout.values()]

    @cached_property
    def _apply(self) -> Substituted:
        return Substituted(self.model)

    @cached_property
    def _leaves(self) -> Leaves:
        return Leaves(self.layout)

    def _tensors(self, x: Tensor) -> list[Tensor]:
        """Return the tensors as views of x; one split, so that a backward pass gathers the gradient once."""
        parts = torch.split(x, self._lengths)
        return [part.view(shape) for part, (_, shape) in zip(parts, self.layout.values(), strict=True)]

    # ---- the objective

    def start(self, streams: Streams) -> Point:
        """Draw each tensor from its own stream, in float64, so that devices, dtypes and other models stay paired."""
        inputs, _ = self.data["train"]
        drawn = []
        for name, parameter in self.model.named_parameters():
            tensor = parameter.detach().to("cpu", torch.float64, copy=True)
            self.initialize(name, tensor, streams("weights", name))
            drawn.append(tensor.flatten())
        return Point(parameters=torch.cat(drawn).to(inputs.device, inputs.dtype), layout=self.layout)

    def value(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the objective on the training examples that `batch` (B,) indexes; None: all of them."""
        return self._objective(self._tensors(x), batch)

    def _objective(self, tensors: Sequence[Tensor], batch: Tensor | None) -> Tensor:
        inputs, targets = self._rows(batch)
        outputs = self._apply(tensors, inputs)
        value = self.loss(outputs, targets, reduction="mean")
        return value + self._penalty(tensors) if self.l2 else value

    def gradient(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the gradient, (n,)."""
        return self.value_and_gradient(x, batch)[1]

    def value_and_gradient(self, x: Tensor, batch: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the objective and its gradient from one forward and one backward pass."""
        with torch.enable_grad():
            leaf = x.detach().requires_grad_()
            value = self.value(leaf, batch)
            (gradient,) = torch.autograd.grad(value, leaf)
        return value.detach(), gradient

    def value_and_gradient_tensors(self, x: Tensor, batch: Tensor | None = None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the objective and its gradient by each tensor of the layout, not gathered in a flat vector."""
        with torch.enable_grad():
            leaves = self._leaves.at(x)
            value = self._objective(leaves, batch)
            gradients = torch.autograd.grad(value, leaves, materialize_grads=True)
        return value.detach(), gradients

    def hessian_vector(self, x: Tensor, v: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the Hessian times v by a second backward pass."""
        with torch.enable_grad():
            leaf = x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.value(leaf, batch), leaf, create_graph=True)
            (product,) = torch.autograd.grad(gradient, leaf, v)
        return product

    def gauss_newton_vector(self, x: Tensor, v: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return JᵀHJv plus the penalty's part: J of the model's outputs by x, H of the loss by the outputs."""
        inputs, targets = self._rows(batch)
        loss: Callable[[Tensor], Tensor] = lambda outputs: self.loss(outputs, targets, reduction="mean")  # noqa: E731
        product = gauss_newton_product(lambda leaf: self._apply(self._tensors(leaf), inputs), loss, x, v)
        if self.l2:
            for weights, change in zip(self._tensors(product), self._tensors(v), strict=True):
                if weights.ndim >= 2:
                    weights.add_(change, alpha=self.l2)
        return product

    def _rows(self, batch: Tensor | None) -> Examples:
        inputs, targets = self.data["train"]
        return (inputs, targets) if batch is None else (inputs[batch], targets[batch])

    def _penalty(self, tensors: Sequence[Tensor]) -> Tensor:
        squares = [tensor.square().sum() for tensor in tensors if tensor.ndim >= 2]
        return 0.5 * self.l2 * torch.stack(squares).sum()

    # ---- examples and metrics

    def batches(self, streams: Streams) -> Iterator[Tensor] | None:
        """Return minibatches without end as index tensors, (B,); None where every evaluation uses all examples."""
        return None if self.batch_size is None else self.sampling(streams, self.examples, self.batch_size)

    def evaluate(self, point: Point, split: Split) -> dict[str, float]:
        """Return the mean loss, without penalty, and for class targets the accuracy on a split."""
        inputs, targets = self.data[split]
        with torch.no_grad():
            outputs = self._apply(self._tensors(point.parameters), inputs)
            measured = {"loss": float(self.loss(outputs, targets, reduction="mean"))}
            if not targets.is_floating_point():
                measured["accuracy"] = float((outputs.argmax(1) == targets).double().mean())
        return measured

    # ---- other problems on the same data

    def with_blocks(self, blocks: Sequence[Block]) -> Self:
        """Return the problem with another model; what is known of the minimum does not carry over."""
        return replace(self, blocks=tuple(blocks), **_NOTHING_KNOWN)

    def with_loss(self, loss: Loss) -> Self:
        """Return the problem with another loss."""
        return replace(self, loss=loss, **_NOTHING_KNOWN)

    def with_sampling(self, sampling: Sampling) -> Self:
        """Return the problem with another way of drawing minibatches."""
        return replace(self, sampling=sampling)


_NOTHING_KNOWN: dict[str, Any] = {"f_star": None, "f_star_source": "", "f_star_from_start": None}
