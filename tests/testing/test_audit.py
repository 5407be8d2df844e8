"""Under an audit, what runs on the device has values, and each wait of the host is noted; what a GPU refuses raises."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from optbench.testing.audit import Audit, DeviceMismatchError, unusable
from optbench.testing.audit_shadows import DEVICE


def on_device(function: Callable[[Tensor], Any]) -> tuple[Any, list[str]]:
    """Return what `function` gives at (-1.2, 1, 0.5) on the device, read back, and the operations that waited."""
    with Audit() as audit:
        x = torch.tensor([-1.2, 1.0, 0.5], device=DEVICE, dtype=torch.float64)
        audit.take()
        result = function(x)
        waits = [sync.operation for sync in audit.take()]
        return (result.tolist() if isinstance(result, Tensor) else result), waits


def on_cpu(function: Callable[[Tensor], Any]) -> Any:
    result = function(torch.tensor([-1.2, 1.0, 0.5], dtype=torch.float64))
    return result.tolist() if isinstance(result, Tensor) else result


def rosenbrock(x: Tensor) -> Tensor:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2).sum() + ((1 - x[:-1]) ** 2).sum()


def updated_through_a_view(x: Tensor) -> Tensor:
    kept = x.clone()
    kept[1:].mul_(2).add_(1)
    kept.view(1, 3).t()[0].zero_()
    return kept


def by_backward(x: Tensor) -> Tensor:
    leaf = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(rosenbrock(leaf), leaf, create_graph=True)
    return torch.autograd.grad(gradient, leaf, torch.ones_like(leaf))[0]


def through_data(x: Tensor) -> Tensor:
    parameter = torch.nn.Parameter(x.clone())
    parameter.data = parameter.data * 3
    return copy.deepcopy(parameter).detach()


def matrix(x: Tensor) -> Tensor:
    return torch.outer(x, x) + 2 * torch.eye(3, device=x.device, dtype=x.dtype)


def chosen_doubled(x: Tensor) -> Tensor:
    doubled = x.clone()
    doubled[[True, False, True]] = x.flip(0)[:2]
    return doubled


QUIET = [
    rosenbrock,
    torch.func.grad(rosenbrock),
    torch.func.hessian(rosenbrock),
    updated_through_a_view,
    by_backward,
    through_data,
    lambda x: torch.linalg.cholesky_ex(matrix(x))[0],
    lambda x: torch.linalg.solve_ex(matrix(x), x)[0],
    lambda x: x + torch.tensor(2.0),  # a number on the CPU is no mistake
    lambda x: torch.add(x, 1, out=torch.empty(0, device=x.device, dtype=x.dtype)),
    lambda x: torch.where(x > 0, x, 0.0),
    lambda x: x.clone().masked_fill_(x > 0, 7.0),
    lambda x: x.sort().values,
]


@pytest.mark.parametrize("function", QUIET, ids=range(len(QUIET)))
def test_what_stays_on_the_device_has_the_values_of_the_cpu_and_never_waits(function: Callable[[Tensor], Any]) -> None:
    assert on_device(function) == (on_cpu(function), [])


WAITING = [
    (lambda x: x[0].item(), "item"),
    (lambda x: float(x.sum()), "item"),
    (lambda x: bool((x > 0).any()), "item"),
    (lambda x: 1 if x[1] > 0 else 2, "item"),
    (lambda x: float(f"{x.sum():.3f}"), "item"),
    (lambda x: f"{x.sum()}", "item"),
    (lambda x: str(x.mul(2)).partition(", d")[0], "copy"),
    (lambda x: x.tolist(), "copy"),
    (lambda x: x.cpu().numpy().sum(), "copy"),
    (lambda x: torch.zeros(3, dtype=x.dtype).copy_(x), "copy"),
    (lambda x: x + torch.tensor([1.0, 2.0, 3.0], device=x.device), "copy"),
    (lambda x: x.new_tensor([1.0, 2.0]), "copy"),
    (lambda x: x[x > 0], "index"),
    (lambda x: x[torch.tensor([0, 2])], "index"),
    (lambda x: x[[0, 2]], "index"),
    (lambda x: torch.outer(x, x)[:, [0, 2]], "index"),
    (chosen_doubled, "index_put"),
    (lambda x: (x > 0).nonzero(), "nonzero"),
    (lambda x: x.unique(), "unique"),
    (lambda x: torch.equal(x, x), "equal"),
    (lambda x: torch.allclose(x, x), "allclose"),
    (lambda x: torch.linalg.cholesky(matrix(x)), "linalg's check for errors"),
    (lambda x: torch.linalg.solve(matrix(x), x), "linalg's check for errors"),
    (lambda x: torch.linalg.inv(matrix(x)), "linalg's check for errors"),
    (lambda x: torch.linalg.eigh(matrix(x))[0], "eigh"),
    (lambda x: torch.linalg.svd(matrix(x))[1], "svd"),
    (lambda x: torch.linalg.eigvals(matrix(x)).real, "eig"),
    (lambda x: torch.linalg.lstsq(matrix(x), x[:, None])[0], "lstsq"),
]


@pytest.mark.parametrize(("function", "operation"), WAITING, ids=[f"{name}-{i}" for i, (_, name) in enumerate(WAITING)])
def test_what_needs_a_value_on_the_host_waits_once_and_gets_the_right_one(
    function: Callable[[Tensor], Any], operation: str
) -> None:
    value, waits = on_device(function)
    assert waits == [operation]
    assert (
        value == pytest.approx(on_cpu(function))
        if not isinstance(value, list)
        else np.allclose(value, on_cpu(function))
    )


def test_a_wait_is_noted_with_the_stack_that_led_to_it() -> None:
    with Audit() as audit:
        x = torch.ones(3, device=DEVICE)
        x.sum().item()
        (sync,) = audit.take()
    here = [frame for frame in sync.frames if frame.file == __file__]
    assert here[-1].function == "test_a_wait_is_noted_with_the_stack_that_led_to_it"


def test_uncounted_waits_are_answered_and_not_noted() -> None:
    with Audit() as audit:
        x = torch.ones(3, device=DEVICE)
        with audit.uncounted():
            assert x.sum().item() == 3
        assert audit.take() == []
        assert x.sum().item() == 3
        assert len(audit.take()) == 1


def test_reads_on_the_cpu_are_free() -> None:
    with Audit() as audit:
        torch.ones(3).sum().item()
        assert audit.take() == []


@pytest.mark.parametrize(
    "mix",
    [
        lambda x: x + torch.zeros(3),
        lambda x: x @ torch.zeros(3, 3, dtype=x.dtype),
        lambda x: torch.cat((x, torch.zeros(3))),
        lambda x: torch.where(x > 0, torch.zeros(3, dtype=x.dtype), x),
        lambda x: x.lerp_(torch.zeros(3, dtype=x.dtype), 0.1),
        lambda x: torch.linalg.solve(torch.eye(3, dtype=x.dtype), x),
        lambda x: torch.zeros(3, dtype=x.dtype).add_(x),
    ],
)
def test_a_cpu_tensor_among_device_tensors_is_refused_and_traced_to_its_maker(mix: Callable[[Tensor], Any]) -> None:
    with pytest.raises(DeviceMismatchError, match="on the device and one on the CPU") as caught:
        on_device(mix)
    assert [frame for frame in caught.value.made if frame.file == __file__][-1].function == "<lambda>"


def test_a_cpu_generator_can_not_draw_on_the_device() -> None:
    with pytest.raises(RuntimeError, match="generator of the CPU"):
        on_device(lambda x: torch.randn(3, device=x.device, generator=torch.Generator()))


def test_numpy_can_not_see_the_device() -> None:
    for convert in (Tensor.numpy, np.asarray):
        with pytest.raises(TypeError, match=r"numpy\(\) of a tensor on the device: copy it with cpu\(\) first"):
            on_device(convert)


def test_memory_is_given_back() -> None:
    with Audit() as audit:
        for _ in range(3):
            torch.ones(1000, device=DEVICE).sum()
        assert len(audit._shadows._memory) == 0


def test_an_operation_without_a_kernel_for_the_device_is_answered_from_the_cpu() -> None:
    value, _ = on_device(lambda x: torch.linalg.lstsq(matrix(x), x[:, None])[0])
    assert np.allclose(value, on_cpu(lambda x: torch.linalg.lstsq(matrix(x), x[:, None])[0]))


def test_the_audit_works_with_this_torch() -> None:
    assert unusable() == ""


def test_an_audit_that_answers_wrongly_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optbench.testing.audit.waits", lambda *_: False)
    unusable.cache_clear()
    try:
        assert "instead of" in unusable()
    finally:
        unusable.cache_clear()


@pytest.mark.parametrize(
    ("cls", "options", "per_step"),
    [
        (torch.optim.SGD, {"momentum": 0.9}, 0),
        (torch.optim.Adam, {}, 0),
        (torch.optim.Adam, {"foreach": True}, 0),
        (torch.optim.Rprop, {}, 0),
        (torch.optim.Adafactor, {}, 2),
    ],
)
def test_torch_optimizers_take_the_same_steps_as_on_the_cpu(cls: Any, options: dict[str, Any], per_step: int) -> None:
    ends = []
    for device in ("cpu", DEVICE):
        with Audit() as audit:
            parameter = torch.nn.Parameter(torch.ones(3, 3, dtype=torch.float64, device=device))
            optimizer = cls([parameter], lr=0.1, **options)
            audit.take()
            for _ in range(3):
                optimizer.zero_grad()
                (parameter**2 * 3).sum().backward()
                optimizer.step()
            waits = len(audit.take())
            ends.append(parameter.detach().cpu())
    assert torch.allclose(*ends, rtol=1e-12)
    assert waits == 3 * per_step
