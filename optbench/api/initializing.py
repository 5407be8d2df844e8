"""How a model's tensors are filled before training. Shapes: N examples, B examples of a minibatch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from optbench.api.problems import Block, Role


class Initializer(Protocol):
    """Fills tensors in place; may have a second method, `adjust`, see `Adjusting`."""

    def __call__(self, name: str, tensor: Tensor, generator: torch.Generator) -> None:
        """Fill a tensor, on the CPU in float64, in place; `name` is "block.module.parameter"."""
        ...


class Adjusting(Protocol):
    """An initializer that looks at data: once every tensor is filled, each of its own is given once more."""

    def adjust(self, name: str, tensor: Tensor, layer: Layer) -> None:
        """Change a tensor in place; called for the tensors that it filled, from the inputs to the outputs."""
        ...


@dataclass(frozen=True, kw_only=True)
class Layer:
    """The module that a tensor belongs to, in the model as it is filled so far, with one minibatch before it."""

    block: str
    role: Role
    module: torch.nn.Module
    outputs: Callable[[], Tensor]  # what the module makes of the minibatch, (B, …), with the tensors as they are now
    targets: Tensor  # of all training examples, (N, …)


def glorot_uniform(name: str, tensor: Tensor, generator: torch.Generator) -> None:
    """Draw weights from U(−√(6/(m + n)), √(6/(m + n))), m inputs and n outputs (Glorot and Bengio, 2010); zero biases.

    Vectors that are no bias, such as the scales of a normalisation, keep what their module gave them.
    """
    if tensor.ndim >= 2:
        torch.nn.init.xavier_uniform_(tensor, generator=generator)
    elif is_bias(name):
        tensor.zero_()


def is_bias(name: str) -> bool:
    """Tell whether a tensor is a bias, by its name."""
    return name.rpartition(".")[2].startswith("bias")


@dataclass(frozen=True, kw_only=True)
class Initialization:
    """One initializer for the weights, another for the biases.

    Weights are tensors of two dimensions or more. Vectors that are no bias, such as the scales of a normalisation, keep
    what their module gave them.
    """

    weights: Initializer
    biases: Initializer

    def __call__(self, name: str, tensor: Tensor, generator: torch.Generator) -> None:
        """Fill a tensor in place."""
        if (initializer := self._of(name, tensor)) is not None:
            initializer(name, tensor, generator)

    def adjust(self, name: str, tensor: Tensor, layer: Layer) -> None:
        """Change a tensor in place where its initializer looks at data."""
        if (adjust := getattr(self._of(name, tensor), "adjust", None)) is not None:
            adjust(name, tensor, layer)

    @property
    def looks_at_data(self) -> bool:
        """Whether `adjust` does anything."""
        return hasattr(self.weights, "adjust") or hasattr(self.biases, "adjust")

    def _of(self, name: str, tensor: Tensor) -> Initializer | None:
        if tensor.ndim >= 2:
            return self.weights
        return self.biases if is_bias(name) else None


def looks_at_data(initializer: Initializer) -> bool:
    """Tell whether an initializer adjusts tensors to a minibatch."""
    return bool(getattr(initializer, "looks_at_data", hasattr(initializer, "adjust")))


def adjust(initializer: Any, model: torch.nn.Module, blocks: Sequence[Block], inputs: Tensor, targets: Tensor) -> None:
    """Let an initializer look at what the filled model makes of a minibatch of inputs, layer by layer, in place.

    Args:
        initializer: has `adjust`.
        model: its children are the blocks, in order; its parameters are changed.
        blocks: of the model.
        inputs: of the minibatch, (B, …).
        targets: of all training examples.
    """
    roles = {block.name: block.role for block in blocks}
    with torch.no_grad():
        for path in _order(model, inputs):
            module, block = model.get_submodule(path), path.partition(".")[0]
            outputs = _looking(model, module, inputs)
            layer = Layer(block=block, role=roles[block], module=module, outputs=outputs, targets=targets)
            for name, parameter in module.named_parameters(recurse=False):
                initializer.adjust(f"{path}.{name}", parameter.data, layer)


def _order(model: torch.nn.Module, inputs: Tensor) -> list[str]:
    """Return the paths of the modules that have parameters of their own, as the inputs come to them."""
    paths = {module: path for path, module in model.named_modules() if _owns_parameters(module)}
    met: dict[torch.nn.Module, None] = {}
    handles = [module.register_forward_pre_hook(lambda it, _: met.setdefault(it)) for module in paths]
    try:
        model(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return [paths[module] for module in met]


def _owns_parameters(module: torch.nn.Module) -> bool:
    return next(module.parameters(recurse=False), None) is not None


def _looking(model: torch.nn.Module, module: torch.nn.Module, inputs: Tensor) -> Callable[[], Tensor]:
    """Return what runs the model up to a module and returns the outputs of that, the first time that it is called."""

    def outputs() -> Tensor:
        seen: list[Tensor] = []
        handle = module.register_forward_hook(lambda *call: seen.append(call[2]))
        try:
            model(inputs)
        finally:
            handle.remove()
        return seen[0]

    return outputs
