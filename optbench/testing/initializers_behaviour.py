"""Checks of how an initializer fills tensors, and of the net that it starts. Shapes: a layer of m inputs, n outputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from optbench.api import Block, SupervisedProblem, UserError
from optbench.api.initializing import Initialization, Initializer, Layer, glorot_uniform
from optbench.api.streams import SeededStreams
from optbench.testing.blame import defined_at, described
from optbench.testing.framework import CheckFailed, DoesNotApply, Subject, require
from optbench.testing.process_state import require_untouched

# A dense layer, one wider than it is high, one filter, and a bias: a layer with fewer of each, and one output.
TENSORS = {
    "hidden1.linear.weight": (7, 20),
    "hidden2.linear.weight": (20, 7),
    "hidden3.convolution.weight": (4, 3, 3, 3),
    "output.linear.weight": (1, 2),
    "hidden1.linear.bias": (7,),
    "hidden1.forget.bias": (7,),
}
_MARGIN = 5  # entries on each side of a tensor
_STREAMS = SeededStreams(0)
_EXAMPLES = 24


def check_fills(subject: Subject) -> None:
    """Fill tensors of what is no number, and others of ones."""
    for name, filled, at in _filled(subject, torch.nan):
        require(filled.isfinite().all(), f"{name} of shape {tuple(filled.shape)} has what is no finite number{at}")
        _require_alike(filled, _fill(subject, name, 1.0), f"{name} depends on what it held before{at}")


def check_others(subject: Subject) -> None:
    """Fill tensors that lie within larger ones."""
    for name, shape in _taken(subject):
        whole = torch.full((2 * _MARGIN + torch.Size(shape).numel(),), 7.0, dtype=torch.float64)
        given = whole[_MARGIN:-_MARGIN].view(shape)
        _call(subject, name, given)
        beside = torch.cat([whole[:_MARGIN], whole[-_MARGIN:]])
        require((beside == 7.0).all(), f"it writes beside {name}{_at(subject)}")


def check_repeats(subject: Subject) -> None:
    """Fill twice with generators of one seed."""
    for name, filled, at in _filled(subject, 0.0):
        _require_alike(filled, _fill(subject, name, 0.0), f"{name} differs from one filling to the next{at}")


def check_global_randomness(subject: Subject) -> None:
    """Fill with an eye on the global generators."""
    require_untouched(subject, lambda: [None for _ in _filled(subject, 0.0)])


def check_start(subject: Subject) -> None:
    """Start a small net in both precisions, twice."""
    at = _at(subject)
    starts = [_net(subject, dtype).start(_STREAMS).parameters for dtype in (torch.float64,) * 2 + (torch.float32,)]
    first, again, single = starts
    require(first.isfinite().all(), f"the start of a net has what is no finite number{at}")
    _require_alike(first, again, f"a net starts otherwise the second time{at}")
    _require_alike(first.float(), single, f"a net in float32 starts otherwise than in float64{at}")


def check_adjusts(subject: Subject) -> None:
    """Let it look at each layer of a small net, and compare all tensors before and after."""
    if not hasattr(subject.initializer(), "adjust"):
        raise DoesNotApply("it looks at no data")
    _net(subject, torch.float64)


class _Watched:
    """An initializer of what it takes, whose calls of `adjust` are compared with what they may change."""

    def __init__(self, initializer: Any, at: str) -> None:
        self.initializer, self.at = initializer, at
        self.tensors: dict[str, Tensor] = {}  # of the net
        self.refused: set[str] = set()

    def __call__(self, name: str, tensor: Tensor, generator: torch.Generator) -> None:
        self.tensors[name] = tensor
        try:
            self.initializer(name, tensor, generator)
        except UserError:
            self.refused.add(name)
            glorot_uniform(name, tensor, generator)

    def adjust(self, name: str, tensor: Tensor, layer: Layer) -> None:
        if name in self.refused or not hasattr(self.initializer, "adjust"):
            return
        before = {other: values.clone() for other, values in self.tensors.items() if other != name}
        self.initializer.adjust(name, tensor, layer)
        for other, kept in before.items():
            require(torch.equal(self.tensors[other], kept), f"adjust of {name} changes {other}{self.at}")
        require(tensor.isfinite().all(), f"adjust of {name} leaves what is no finite number{self.at}")


def _taken(subject: Subject) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the tensors that the initializer takes; it may refuse biases, or weights, in so many words."""
    refused = []
    for name, shape in TENSORS.items():
        try:
            _call(subject, name, torch.zeros(shape, dtype=torch.float64))
        except UserError as error:
            refused.append(str(error))
        else:
            yield name, shape
    require(len(refused) < len(TENSORS), f"it takes no tensor at all: {refused and refused[0]}{_at(subject)}")


def _filled(subject: Subject, before: float) -> Iterator[tuple[str, Tensor, str]]:
    for name, _ in _taken(subject):
        yield name, _fill(subject, name, before), _at(subject)


def _fill(subject: Subject, name: str, before: float) -> Tensor:
    tensor = torch.full(TENSORS[name], before, dtype=torch.float64)
    _call(subject, name, tensor)
    return tensor


def _call(subject: Subject, name: str, tensor: Tensor) -> None:
    try:
        subject.initializer()(name, tensor, _STREAMS("weights", name))
    except UserError:
        raise
    except Exception as error:
        told = f"{name} of shape {tuple(tensor.shape)} raised {described(error, subject)}"
        raise CheckFailed(told) from error


def _net(subject: Subject, dtype: torch.dtype) -> SupervisedProblem:
    """Return a net that the initializer starts, weights and biases, as far as it takes them."""
    watched = _Watched(subject.initializer(), _at(subject))
    return _started(subject, Initialization(weights=watched, biases=watched), dtype)


def _started(subject: Subject, initialization: Initializer, dtype: torch.dtype) -> SupervisedProblem:
    made = SupervisedProblem(blocks=_BLOCKS, data={"train": _examples(dtype)}, initialize=initialization)
    try:
        made.start(_STREAMS)
    except UserError as error:
        raise DoesNotApply(f"a small net is refused: {error}") from error
    except CheckFailed:
        raise
    except Exception as error:
        raise CheckFailed(f"the start of a small net raised {described(error, subject)}") from error
    return made


def _examples(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    inputs = torch.randn(_EXAMPLES, 4, generator=_STREAMS("data", "train"), dtype=torch.float64)
    return inputs.float().to(dtype), torch.arange(_EXAMPLES) % 3  # the same numbers in both precisions


def _require_alike(first: Tensor, second: Tensor, message: str) -> None:
    require(first.shape == second.shape and torch.equal(first, second), message)


def _at(subject: Subject) -> str:
    return defined_at(subject.factory())


def _layer(inputs: int, outputs: int) -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(inputs, outputs), torch.nn.Tanh())


_BLOCKS = (
    Block(name="hidden1", role="hidden", build=lambda: _layer(4, 6)),
    Block(name="hidden2", role="hidden", build=lambda: _layer(6, 5)),
    Block(name="output", role="output", build=lambda: torch.nn.Linear(5, 3)),
)
