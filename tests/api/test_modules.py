"""Modules as functions of tensors, and the gradients by them."""

from __future__ import annotations

import torch
from torch import Tensor

from optbench.api.modules import Leaves, Substituted


def nested() -> torch.nn.Sequential:
    """Containers within containers, and one module that is none."""
    torch.manual_seed(0)
    hidden = torch.nn.Sequential(torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh()), torch.nn.Linear(3, 3))
    return torch.nn.Sequential(hidden, torch.nn.ReLU(), torch.nn.Linear(3, 2)).double()


def tensors_of(module: torch.nn.Module) -> dict[str, Tensor]:
    return {name: torch.randn_like(parameter) for name, parameter in module.named_parameters()}


def test_the_outputs_are_those_with_the_tensors_in_place_of_the_parameters() -> None:
    module, inputs = nested(), torch.randn(5, 4, dtype=torch.float64)
    own, tensors = list(module.parameters()), tensors_of(module)

    found = Substituted(module)(list(tensors.values()), inputs)

    assert torch.equal(found, torch.func.functional_call(module, tensors, inputs))
    assert all(before is after for before, after in zip(own, module.parameters(), strict=True))


def test_hooks_of_containers_are_called_whenever_they_are_there() -> None:
    module, inputs, seen = nested(), torch.randn(5, 4, dtype=torch.float64), []
    applied, tensors = Substituted(module), list(tensors_of(module).values())
    handle = module[0].register_forward_hook(lambda *call: seen.append(call[2]))
    applied(tensors, inputs)
    handle.remove()
    applied(tensors, inputs)
    assert [tuple(outputs.shape) for outputs in seen] == [(5, 3)]


def test_gradients_by_leaves_are_those_of_autograd_and_the_leaves_keep_nothing() -> None:
    leaves = Leaves({"used": (0, (2, 2)), "unused": (4, (3,))})
    x = torch.arange(7.0, dtype=torch.float64)
    for _ in range(2):
        used, unused = leaves.at(x)
        found = leaves.gradients(used.square().sum())
        assert torch.equal(found[0], 2 * x[:4].view(2, 2))
        assert torch.equal(found[1], torch.zeros(3, dtype=torch.float64))
        assert used.grad is None
        assert unused.grad is None
