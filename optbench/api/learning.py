"""Supervised learning as a problem of one flat vector. Shapes: n parameters, N examples, B examples of a minibatch."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Literal, Self

import torch
from torch import Tensor

from optbench.api.curvature import gauss_newton_product
from optbench.api.errors import Refused, UserError
from optbench.api.initializing import Initializer, adjust, glorot_uniform, looks_at_data
from optbench.api.modules import Leaves, Substituted, count_flops, normalises_by_batch
from optbench.api.portions import Portion, averaged, portions
from optbench.api.problems import Block, Layout, Point, Streams
from optbench.api.sampling import Sampling, check_batch_size, joined, reshuffled
from optbench.api.statistics import RunningStatistics, evaluating, keeps_statistics
from optbench.api.weighting import IGNORED, Weighting, weighted_mean

Split = Literal["train", "test", "validation"]
Examples = tuple[Tensor, Tensor]  # inputs (N, …), targets (N,) of class indices or (N, …)
Loss = Callable[..., Tensor]  # loss(outputs, targets, reduction="mean"), as in torch.nn.functional
Rows = Tensor | slice | None  # which examples; None: all


@dataclass(frozen=True, kw_only=True, eq=False)  # equal only to itself: tensors have no truth value
class SupervisedProblem:
    """Mean loss of a model of blocks applied one after the other, plus ½ l2 ‖weights‖² (biases are not penalised).

    The parameters are views into the flat vector x, named "block.parameter". The model's own tensors are never used
    but for their shapes and for what an initializer leaves alone.
    """

    blocks: tuple[Block, ...]
    data: Mapping[Split, Examples]  # "train", "test" and perhaps "validation", on the device
    dtype: torch.dtype | None = None  # of the parameters; None: that of the inputs
    loss: Loss = torch.nn.functional.cross_entropy
    batch_size: int | None = None  # None: all examples
    l2: float = 0.0
    sampling: Sampling = reshuffled
    weighting: Weighting | None = None  # of the examples of an evaluation in training; None: all count the same
    difficulty: Tensor | None = None  # of each training example, (N,); larger is harder
    initialize: Initializer = glorot_uniform
    f_star: float | None = None
    f_star_source: str = ""
    f_star_from_start: float | None = None
    other_task: Callable[[], SupervisedProblem] | None = None  # with as many inputs, on examples of its own

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
        return self._built().to(inputs.device, self._dtype)

    def _built(self) -> torch.nn.Module:
        with torch.random.fork_rng(devices=()):  # modules draw weights as they are built: leave no trace, repeat
            torch.manual_seed(0)
            modules = OrderedDict((block.name, block.build()) for block in self.blocks)
        return torch.nn.Sequential(modules)

    @cached_property
    def layout(self) -> Layout:
        """Where each tensor lies in x."""
        layout, offset = {}, 0
        for name, parameter in self.model.named_parameters():
            layout[name] = (offset, tuple(parameter.shape))
            offset += parameter.numel()
        return layout

    @property
    def _dtype(self) -> torch.dtype:
        return self.dtype or self.data["train"][0].dtype

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
        """Model FLOPs of one example's forward pass in training; see `count_flops`."""
        inputs, _ = self.data["train"]
        if not normalises_by_batch(self.model):
            return count_flops(self.model, inputs[:1])
        counted = self._built().to(inputs.device, self._dtype)  # a model of its own: the pass moves its statistics
        return count_flops(counted, inputs[:2]) // 2

    @cached_property
    def _lengths(self) -> list[int]:
        return [math.prod(shape) for _, shape in self.layout.values()]

    @cached_property
    def _apply(self) -> Substituted:
        return Substituted(self.model)

    @cached_property
    def _running(self) -> RunningStatistics | None:
        return RunningStatistics(self.model) if keeps_statistics(self.model) else None

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
        model = self._built().to("cpu", torch.float64).requires_grad_(requires_grad=False)
        for name, parameter in model.named_parameters():
            self.initialize(name, parameter.data, streams("weights", name))
        if looks_at_data(self.initialize):
            adjust(self.initialize, model, self.blocks, *self._guide(streams))
        x = torch.cat([parameter.flatten() for parameter in model.parameters()])
        statistics = None if self._running is None else self._running.initial.clone()
        return Point(
            parameters=x.to(self.data["train"][0].device, self._dtype), statistics=statistics, layout=self.layout
        )

    def _guide(self, streams: Streams) -> Examples:
        """Return the inputs of the minibatch that initializers look at, and all targets, on the CPU in float64."""
        inputs, targets = (part.cpu() for part in self.data["train"])
        order = torch.randperm(len(inputs), generator=streams("weights", "minibatch"))
        inputs = inputs[order[: self.batch_size or _GUIDE]]
        return inputs.double() if inputs.is_floating_point() else inputs, targets

    def value(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the objective on the training examples that `batch` (B,) indexes; None: all of them."""
        self._turn_to(x)
        tensors = self._tensors(x)
        return self._averaged(lambda rows: (self._objective(tensors, rows),), batch)[0]

    def _averaged(self, evaluate: Callable[[Rows], tuple[Tensor, ...]], batch: Tensor | None) -> tuple[Tensor, ...]:
        """Return what is found for a batch; for all examples a portion at a time, if a mean over these is the same."""
        if batch is not None or not self._portions:
            return evaluate(batch)
        return averaged((share, evaluate(rows)) for rows, share in self._portions)

    @cached_property
    def _portions(self) -> tuple[Portion, ...]:
        if self._running is not None or normalises_by_batch(self.model):
            return ()
        return portions(self.data["train"][1], self.loss, at_once=_AT_ONCE, ignored=IGNORED)

    def _turn_to(self, x: Tensor) -> None:
        if self._running is not None:
            self._running.turn_to(x)

    def _objective(self, tensors: Sequence[Tensor], batch: Rows) -> Tensor:
        inputs, targets = self._rows(batch)
        outputs = self._apply(tensors, inputs)
        value = self._mean_loss(outputs, targets, batch)
        for module in self._adding:
            value = value + module.added_loss(partial(self._mean_loss, targets=targets, rows=batch))
        return value + self._penalty(tensors) if self.l2 else value

    @cached_property
    def _adding(self) -> list[Any]:
        """The modules whose `added_loss(mean_loss)` is added to the objective, in training only."""
        return [module for module in self.model.modules() if hasattr(module, "added_loss")]

    def _mean_loss(self, outputs: Tensor, targets: Tensor, rows: Rows) -> Tensor:
        """Return the mean loss, shape (), with weights where these examples are what a training evaluation takes."""
        if self.weighting is None or not (isinstance(rows, Tensor) or self.batch_size is None):
            return self.loss(outputs, targets, reduction="mean")
        if not isinstance(rows, Tensor):
            rows = self._every[rows or slice(None)]
        return weighted_mean(self.loss, outputs, targets, self.weighting(rows))

    @cached_property
    def _every(self) -> Tensor:
        return torch.arange(self.examples, device=self.data["train"][0].device)

    def gradient(self, x: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the gradient, (n,)."""
        return self.value_and_gradient(x, batch)[1]

    def value_and_gradient(self, x: Tensor, batch: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the objective and its gradient from one forward and one backward pass, or a pair for each portion."""
        value, tensors = self.value_and_gradient_tensors(x, batch)
        return value, torch.cat([tensor.reshape(-1) for tensor in tensors])

    def value_and_gradient_tensors(self, x: Tensor, batch: Tensor | None = None) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the objective and its gradient by each tensor of the layout, not gathered in a flat vector."""
        if self._running is not None:
            self._running.turn_to(x)
        leaves = self._leaves.at(x)
        if torch.is_grad_enabled():  # as it is within a trial: entering the context costs a small net's step 1 %
            return self._differentiated(leaves, batch)
        with torch.enable_grad():
            return self._differentiated(leaves, batch)

    def _differentiated(self, leaves: Sequence[Tensor], batch: Tensor | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        value, *gradient = self._averaged(partial(self._in_one, leaves), batch)
        return value, tuple(gradient)

    def _in_one(self, leaves: Sequence[Tensor], rows: Rows) -> tuple[Tensor, ...]:
        """Return the objective and its derivatives by the leaves."""
        value = self._objective(leaves, rows)
        return value.detach(), *self._leaves.gradients(value)

    def hessian_vector(self, x: Tensor, v: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return the Hessian times v by a second backward pass."""
        self._turn_to(x)

        def product(rows: Rows) -> tuple[Tensor, ...]:
            leaf = x.detach().requires_grad_()
            value = self._objective(self._tensors(leaf), rows)
            (gradient,) = torch.autograd.grad(value, leaf, create_graph=True)
            return torch.autograd.grad(gradient, leaf, v)

        with torch.enable_grad():
            return self._averaged(product, batch)[0]

    def gauss_newton_vector(self, x: Tensor, v: Tensor, batch: Tensor | None = None) -> Tensor:
        """Return JᵀHJv plus the penalty's part: J of the model's outputs by x, H of the loss by the outputs."""
        if self._adding:
            message = "a Gauss-Newton product is that of the loss of the outputs; the model adds terms to it"
            raise Refused(message)
        self._turn_to(x)

        def without_penalty(rows: Rows) -> tuple[Tensor, ...]:
            inputs, targets = self._rows(rows)
            loss = partial(self._mean_loss, targets=targets, rows=rows)
            return (gauss_newton_product(lambda leaf: self._apply(self._tensors(leaf), inputs), loss, x, v),)

        (product,) = self._averaged(without_penalty, batch)
        if self.l2:
            for weights, change in zip(self._tensors(product), self._tensors(v), strict=True):
                if weights.ndim >= 2:
                    weights.add_(change, alpha=self.l2)
        return product

    def _rows(self, batch: Rows) -> Examples:
        inputs, targets = self.data["train"]
        if isinstance(batch, Tensor):
            return inputs.index_select(0, batch), targets.index_select(0, batch)  # a third of the time of inputs[batch]
        return (inputs, targets) if batch is None else (inputs[batch], targets[batch])

    def _penalty(self, tensors: Sequence[Tensor]) -> Tensor:
        squares = [tensor.square().sum() for tensor in tensors if tensor.ndim >= 2]
        return 0.5 * self.l2 * torch.stack(squares).sum()

    # ---- running statistics, where the model keeps some

    def commit(self, x: Tensor) -> None:
        """End a step at x (n,): go over to the statistics of its evaluation there or, where none was, of its first."""
        if self._running is not None:
            self._running.commit(x)

    def statistics(self) -> Tensor | None:
        """Return a copy of the running statistics, (k,), laid out by `statistics_layout`; None where there are none."""
        return None if self._running is None else self._running.values()

    def restore(self, statistics: Tensor) -> None:
        """Go on from other statistics, (k,), which what was evaluated before has no part in."""
        if self._running is not None:
            self._running.restore(statistics)

    @cached_property
    def statistics_layout(self) -> Layout:
        """Where each buffer lies in the statistics, named "block.module.buffer"."""
        return {} if self._running is None else self._running.layout

    def estimated_statistics(self, x: Tensor) -> Tensor | None:
        """Return the statistics at x (n,) from one pass over the training examples, (k,); None where there are none.

        The mean over minibatches in the order of the data, as torch.optim.swa_utils.update_bn takes it.
        """
        if self._running is None:
            return None
        tensors, (inputs, _) = self._tensors(x), self.data["train"]
        order = torch.arange(self.examples, device=inputs.device).split(self.batch_size or self.examples)
        parts = (inputs[batch] for batch in joined(iter(order), least=2))
        with evaluating(self.model), torch.no_grad():
            return self._running.mean_over(partial(self._apply, tensors, part) for part in parts)

    # ---- examples and metrics

    def batches(self, streams: Streams) -> Iterator[Tensor] | None:
        """Return minibatches without end as index tensors, (B,); None where every evaluation uses all examples."""
        by_batch = normalises_by_batch(self.model)
        if by_batch and (self.batch_size or self.examples) < 2:
            raise UserError(
                "a batch of one example", "2 or more, for the model normalises by batch", "raise batch_size"
            )
        if self.batch_size is None:
            return None
        drawn = self.sampling(streams, self.examples, self.batch_size)
        return joined(drawn, least=2) if by_batch else drawn

    def evaluate(self, point: Point, split: Split) -> dict[str, float]:
        """Return the mean loss, without penalty, and for class targets the accuracy on a split.

        The model is in evaluation mode, with the point's statistics or, where it has none, the running ones.
        """
        inputs, targets = self.data[split]
        with self._judging(point), torch.no_grad():
            tensors = self._tensors(point.parameters)
            outputs = torch.cat([self._apply(tensors, part) for part in inputs.split(_AT_ONCE)])
            measured = {"loss": float(self.loss(outputs, targets, reduction="mean"))}
            if not targets.is_floating_point():
                right = (outputs.argmax(1) == targets)[targets != IGNORED]
                measured["accuracy"] = float(right.double().mean())
        return measured

    def outputs_by_block(self, point: Point, split: Split) -> dict[str, Tensor]:
        """Return what each block puts out for a split, or for the first examples of a large one, (B, …)."""
        seen: dict[str, Tensor] = {}

        def keep(name: str) -> Callable[..., None]:
            return lambda _, __, outputs: seen.update({name: outputs})

        handles = [block.register_forward_hook(keep(name)) for name, block in self.model.named_children()]
        try:
            with self._judging(point), torch.no_grad():
                self._apply(self._tensors(point.parameters), self.data[split][0][:_AT_ONCE])
        finally:
            for handle in handles:
                handle.remove()
        return seen

    def _judging(self, point: Point) -> AbstractContextManager[None]:
        if self._running is not None:
            self._running.judge_by(point.statistics)
        return evaluating(self.model)

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

    def with_weighting(self, weighting: Weighting) -> Self:
        """Return the problem with weights of the examples of each evaluation in training.

        On minibatches the objective over all examples, which is what is measured, stays unweighted. Where every
        evaluation uses all of them, the objective is another one.
        """
        return replace(self, weighting=weighting, **({} if self.batch_size else _NOTHING_KNOWN))


_AT_ONCE = 2048  # examples whose activations are held at the same time where all of them are evaluated
_GUIDE = 256  # examples that an initializer looks at where the objective takes all of them
_NOTHING_KNOWN: dict[str, Any] = {"f_star": None, "f_star_source": "", "f_star_from_start": None}
