"""What came before batch normalisation: statistics that are penalised, or put right after each step.

Goodfellow et al. (2016), section 8.7.1: a penalty leaves the normalisation imperfect, and putting statistics right
wastes time, since the optimizer goes on proposing what the next normalisation undoes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from optbench.api import Recipe, Refused, Streams
from optbench_meta.layers import hidden_layers, with_layers
from optbench_meta.models import Call, with_models, with_training_aids


def channel_statistics(outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and mean squared deviation of each channel of (B, C, …), (C,) each."""
    variance, mean = torch.var_mean(outputs, [0, *range(2, outputs.ndim)], correction=0)
    return mean, variance


# ---- a penalty


@dataclass(frozen=True)
class PenalisedStatistics:
    """Adds penalty · Σ over layers of the mean over channels of μ² + (v − 1)² to the objective."""

    name: str
    layers: Sequence[str]
    penalty: float

    def __call__(self, recipe: Recipe, streams: Streams) -> Recipe:
        """Return the recipe with penalties in each model; raises Refused where a layer can't have one."""
        return with_training_aids(recipe, self.name, self._penalised)

    def _penalised(self, problem: Any) -> Any:
        return with_layers(problem, hidden_layers(problem, self.layers, self.name), self._attach)

    def _attach(self, layer: Any, call: Call) -> None:
        layer.statistics_penalty = penalty = Penalty(self.penalty)
        layer.register_forward_hook(penalty.see)


class Penalty(nn.Module):
    """The penalty on the statistics of one layer's outputs, in training only."""

    normalises_by_batch = True  # it wants two examples, too

    def __init__(self, weight: float) -> None:
        """Begin with nothing seen."""
        super().__init__()
        self._weight = weight
        self._seen: list[Tensor] = []

    def see(self, *call: Any) -> None:
        """Keep what the layer put out in this forward pass; `call` is torch's: layer, inputs, outputs."""
        if self.training:
            self._seen[:] = call[2:]

    def added_loss(self, mean_loss: Any) -> Tensor:
        """Return the penalty on what was seen last, (), whatever the outputs are."""
        mean, variance = channel_statistics(self._seen.pop())
        return self._weight * (mean.square() + (variance - 1).square()).mean()


# ---- putting it right


@dataclass(frozen=True)
class Renormalised:
    """Gives each hidden layer's channels mean 0 and variance 1 on the minibatch of a step, once it is done."""

    name: str
    layers: Sequence[str]
    eps: float

    def __call__(self, recipe: Recipe, streams: Streams) -> Recipe:
        """Return the recipe with such optimizers; raises Refused where a layer can't be renormalised."""
        switch = Switch()
        changed = with_models(recipe, self.name, partial(self._renormalised, switch=switch))
        stages = (replace(stage, optimizer=Renormalising(stage.optimizer, switch)) for stage in changed.stages)
        return replace(changed, stages=tuple(stages))

    def _renormalised(self, problem: Any, switch: Switch) -> Any:
        layers = hidden_layers(problem, self.layers, self.name)
        for call in layers:
            require_own_statistics(call, self.name)
        return with_layers(problem, layers, partial(_attach, switch=switch, eps=self.eps))


def require_own_statistics(call: Call, name: str) -> None:
    """Raise Refused where something sets the statistics of what a layer puts out already."""
    normalisation = getattr(call.module, "normalisation", None)
    if getattr(call.module, "is_renormalised", False) or (normalisation is not None and not normalisation.of_inputs):
        message = f"{name}: {call.name} is normalised already"
        raise Refused(message)


@dataclass
class Switch:
    """Whether a forward pass renormalises the layers that it comes to."""

    on: bool = False

    @contextmanager
    def turned_on(self) -> Iterator[None]:
        """Renormalise in this context."""
        self.on = True
        try:
            yield
        finally:
            self.on = False


def _attach(layer: Any, call: Call, *, switch: Switch, eps: float) -> None:
    """Let a layer renormalise itself; one without a bias gets one, for the mean is its matter."""
    layer.is_renormalised = True
    if layer.bias is None:
        layer.bias = nn.Parameter(torch.zeros(call.outputs.shape[1]))

    def renormalise(layer: Any, _: tuple[Any, ...], outputs: Tensor) -> Tensor | None:
        if not switch.on:
            return None
        mean, variance = channel_statistics(outputs)
        scale = (variance + eps).rsqrt_()
        layer.bias.sub_(mean).mul_(scale)
        layer.weight.mul_(scale.view(-1, *[1] * (layer.weight.ndim - 1)))
        across = (-1, *[1] * (outputs.ndim - 2))
        return (outputs - mean.view(across)) * scale.view(across)

    layer.register_forward_hook(renormalise)


class Renormalising:
    """An optimizer whose point is put right after each step, at the cost of one value.

    The oracle is asked at a copy of the point, which the layers change as the examples pass through them: each of them
    sees what the renormalised ones below it put out, and the value that is logged is that of the renormalised point.
    """

    def __init__(self, inner: Any, switch: Switch) -> None:
        """Take the optimizer, whose point may be moved between its steps."""
        self._inner, self._switch = inner, switch

    def __getattr__(self, name: str) -> Any:
        """Return what else the optimizer has, such as `restart`."""
        return getattr(self._inner, name)

    def init(self, oracle: Any, start: Tensor) -> Any:
        """Begin as the optimizer does."""
        return self._inner.init(oracle, start)

    def step(self, oracle: Any, state: Any) -> Any:
        """Take the optimizer's step, then put the point right."""
        state = self._inner.step(oracle, state)
        moved = state.point.clone()
        with self._switch.turned_on():
            oracle.value(moved)
        state.point.copy_(moved)
        return state
