"""Torch modules as functions of tensors that are views of one flat vector, and what can be told of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from optbench.api.problems import Layout, layout_views


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

    def gradients(self, value: Tensor) -> tuple[Tensor, ...]:
        """Return the gradients of a value () by the leaves, which keep nothing of them; zeros by what it hangs not on.

        The same as torch.autograd.grad, which a small net's step takes 1 % longer with.
        """
        try:
            value.backward()
            found = [leaf.grad for leaf in self._leaves]
        finally:
            for leaf in self._leaves:
                leaf.grad = None
        pairs = zip(found, self._leaves, strict=True)
        return tuple([torch.zeros_like(leaf) if gradient is None else gradient for gradient, leaf in pairs])


class Substituted:
    """A module as a function of its parameters, in the order of `named_parameters`.

    The same as torch.func.functional_call without its checks by name, which cost a small net a fifth of a step.
    """

    def __init__(self, module: torch.nn.Module) -> None:
        """Look up where each parameter is kept."""
        self._module = module
        self._own = list(module.parameters())
        paths = [name.rpartition(".") for name, _ in module.named_parameters()]
        self._slots: list[tuple[dict[str, Any], str]] = [
            (module.get_submodule(path)._parameters, name)  # noqa: SLF001 -- module.weight takes parameters only
            for path, _, name in paths
        ]
        containers = [part for part in module.modules() if type(part) is torch.nn.Sequential]
        self._hooks = [hooks for part in containers for hooks in _hooks(part)]
        self._chain = list(_chain(module))

    def __call__(self, tensors: Sequence[Tensor], inputs: Tensor) -> Tensor:
        """Return the module's outputs with `tensors` in place of its parameters."""
        try:
            self._put(tensors)
            return self._outputs(inputs)
        finally:
            self._put(self._own)

    def _outputs(self, inputs: Tensor) -> Tensor:
        """Apply one module after the other: entering a container in a container costs a small net's step 1 %."""
        for module in (self._module,) if any(self._hooks) else self._chain:
            inputs = module(inputs)
        return inputs

    def _put(self, tensors: Sequence[Tensor]) -> None:
        for (parameters, name), tensor in zip(self._slots, tensors, strict=True):
            parameters[name] = tensor


def _chain(module: torch.nn.Module) -> Iterator[torch.nn.Module]:
    """Yield what is applied one after the other, containers within containers opened."""
    if type(module) is torch.nn.Sequential:
        for part in module:
            yield from _chain(part)
    else:
        yield module


def _hooks(module: torch.nn.Module) -> tuple[dict[int, Any], ...]:
    """Return where a module keeps what is to be called along with it."""
    return module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks  # noqa: SLF001


class Maxout(torch.nn.Module):
    """The largest of each `pieces` neighbouring channels (Goodfellow et al., 2013): (B, pieces · c, …) to (B, c, …)."""

    def __init__(self, pieces: int) -> None:
        """Keep the number of channels that make one."""
        super().__init__()
        self.pieces = pieces

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the maxima."""
        return inputs.unflatten(1, (-1, self.pieces)).amax(2)


def count_flops(module: torch.nn.Module, inputs: Tensor) -> int:
    """Return 2 × weights × places or steps, summed over the layers that `inputs` pass through.

    Known are torch's linear, convolutional and recurrent layers; any other states its own by a method
    `flops(inputs) -> int`. Torch's counter of operations would need no such list, and takes a second to load.
    """
    total = 0

    def add(layer: torch.nn.Module, given: tuple[Any, ...], outputs: Any) -> None:
        nonlocal total
        if isinstance(layer, torch.nn.Linear | torch.nn.Conv1d | torch.nn.Conv2d):
            total += 2 * layer.weight.numel() * (outputs.numel() // layer.weight.shape[0])
        elif isinstance(layer, torch.nn.RNNBase):
            weights = sum(tensor.numel() for tensor in layer.parameters() if tensor.ndim >= 2)
            total += 2 * weights * (given[0].numel() // layer.input_size)
        elif callable(stated := getattr(layer, "flops", None)):
            total += int(stated(given[0]))

    handle = torch.nn.modules.module.register_module_forward_hook(add)
    try:
        with torch.no_grad():
            module(inputs)
    finally:
        handle.remove()
    return total


def normalises_by_batch(model: torch.nn.Module) -> bool:
    """Tell whether a model's outputs for one example depend on the rest of its minibatch, so that it needs two.

    So it is with torch's batch normalisation, and with any module whose attribute `normalises_by_batch` is true.
    """
    known = torch.nn.modules.batchnorm._BatchNorm  # noqa: SLF001 -- the base of all of torch's
    return any(getattr(module, "normalises_by_batch", isinstance(module, known)) for module in model.modules())
