"""Each optimizer that leaves its device, or waits more than it declares, is caught by name and line."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from optbench.api import OptimizerPlugin
from optbench.testing.audit_runs import audit_optimizer
from optbench.testing.devices import DEVICE_CHECKS
from optbench.testing.framework import Finding, Subject, attempt


class Descent:
    """x ← x − lr·g."""

    def init(self, oracle: Any, start: Tensor) -> Any:
        return SimpleNamespace(point=start.clone(), finished=None)

    def step(self, oracle: Any, state: Any) -> Any:
        state.point = state.point - self.direction(oracle, state)
        return state

    def direction(self, oracle: Any, state: Any) -> Tensor:
        gradient: Tensor = 1e-3 * oracle.gradient(state.point)
        return gradient


class HiddenItem(Descent):
    def direction(self, oracle: Any, state: Any) -> Tensor:
        gradient = super().direction(oracle, state)
        return gradient / max(gradient.norm().item(), 1.0)


class BranchingOnATensor(Descent):
    def direction(self, oracle: Any, state: Any) -> Tensor:
        gradient = super().direction(oracle, state)
        if gradient.norm() > 0 and gradient.abs().max() > 0:
            gradient = gradient / 2
        return gradient


class ForgettingTheDevice(Descent):
    def direction(self, oracle: Any, state: Any) -> Tensor:
        identity = torch.eye(8, dtype=state.point.dtype)
        return identity @ super().direction(oracle, state)


class StateOnTheCpu(Descent):
    def init(self, oracle: Any, start: Tensor) -> Any:
        return SimpleNamespace(point=start.cpu(), finished=None)

    def step(self, oracle: Any, state: Any) -> Any:
        return state


class HistoryOnTheCpu(Descent):
    """Copies are legal: nothing is refused, and yet each step moves a vector to the host."""

    def init(self, oracle: Any, start: Tensor) -> Any:
        return SimpleNamespace(point=start.clone(), finished=None, memory={"pairs": [torch.zeros(start.shape)]})

    def step(self, oracle: Any, state: Any) -> Any:
        state.memory["pairs"][0].copy_(state.point)
        return super().step(oracle, state)


class TableOnTheCpu(Descent):
    """A few numbers on the host are no mistake."""

    def init(self, oracle: Any, start: Tensor) -> Any:
        return SimpleNamespace(point=start.clone(), finished=None, table=torch.zeros(3))


class Late(Descent):
    """Sound for twenty steps."""

    def step(self, oracle: Any, state: Any) -> Any:
        self.steps = getattr(self, "steps", 0) + 1
        if self.steps == 20:
            self.late(state)
        return super().step(oracle, state)


class WaitingLate(Late):
    def late(self, state: Any) -> None:
        state.point.sum().item()


class LeavingLate(Late):
    def late(self, state: Any) -> None:
        state.point = state.point + torch.zeros(8, dtype=state.point.dtype)


class WritingDown(Descent):
    def direction(self, oracle: Any, state: Any) -> Tensor:
        self.told = f"{state.point.sum():.3g}"
        return super().direction(oracle, state)


class InNumpy(Descent):
    def direction(self, oracle: Any, state: Any) -> Tensor:
        return super().direction(oracle, state) * float(state.point.numpy().sum())


class CholeskyNewton(Descent):
    factor = staticmethod(torch.linalg.cholesky)

    def direction(self, oracle: Any, state: Any) -> Tensor:
        hessian = oracle.hessian(state.point) + 1e6 * torch.eye(8, dtype=oracle.dtype, device=oracle.device)
        return torch.cholesky_solve(oracle.gradient(state.point)[:, None], self.factor(hessian))[:, 0]


class QuietNewton(CholeskyNewton):
    factor = staticmethod(lambda matrix: torch.linalg.cholesky_ex(matrix)[0])


class Spectral(Descent):
    def direction(self, oracle: Any, state: Any) -> Tensor:
        values, vectors = torch.linalg.eigh(oracle.hessian(state.point))
        return 1e-3 * vectors @ ((vectors.T @ oracle.gradient(state.point)) / (1 + values.abs()))


class SparseByCoordinates(Descent):
    def init(self, oracle: Any, start: Tensor) -> Any:
        state = super().init(oracle, start)
        places = torch.arange(len(start), device=start.device).expand(2, -1)
        state.scale = torch.sparse_coo_tensor(places, torch.ones_like(start), (len(start), len(start)))
        return state

    def direction(self, oracle: Any, state: Any) -> Tensor:
        return state.scale @ super().direction(oracle, state)


class SparseByRows(SparseByCoordinates):
    def init(self, oracle: Any, start: Tensor) -> Any:
        state = Descent.init(self, oracle, start)
        state.scale = torch.diag(torch.ones_like(start)).to_sparse_csr()
        return state


class SparseInPassing(Descent):
    def direction(self, oracle: Any, state: Any) -> Tensor:
        return super().direction(oracle, state).to_sparse().to_dense()


class DrawingOnTheDevice(Descent):
    def direction(self, oracle: Any, state: Any) -> Tensor:
        noise = torch.randn(8, device=oracle.device, dtype=oracle.dtype, generator=oracle.streams("noise"))
        return super().direction(oracle, state) + 1e-6 * noise


class Owning:
    """Owns its loop, in numpy."""

    def minimize(self, oracle: Any, start: Tensor, observe: Any) -> Tensor:
        x = start.cpu().numpy().copy()
        while True:
            x -= 1e-3 * oracle.gradient(x).cpu().numpy()
            observe(torch.as_tensor(x).to(oracle.device))


def subject_of(factory: Any, **fields: Any) -> Subject:
    fields = {"evaluations": frozenset({"value", "gradient", "hessian"}), **fields}
    path = (
        f"torch.optim:{factory.__name__}"
        if factory.__module__.startswith("torch")
        else f"{__name__}:{factory.__name__}"
    )
    return Subject.of_record(OptimizerPlugin(name="mine", factory=path, summary="x", **fields))


def finding_of(check: str, subject: Subject) -> Finding:
    (chosen,) = (item for item in DEVICE_CHECKS if item.name == check)
    assert not chosen.applies(subject)
    return attempt(chosen, subject)


@pytest.mark.parametrize(
    ("factory", "waits"),
    [
        (Descent, 0),
        (HiddenItem, 1),
        (BranchingOnATensor, 2),
        (CholeskyNewton, 1),
        (QuietNewton, 0),
        (Spectral, 1),
        (torch.optim.SGD, 0),
        (torch.optim.Adam, 0),
    ],
)
def test_waits_of_a_step_are_counted_without_those_of_evaluations(factory: Any, waits: int) -> None:
    steps = audit_optimizer(subject_of(factory), steps=2)
    assert max(len(step.syncs) for step in steps) == waits


@pytest.mark.parametrize("factory", [Descent, QuietNewton, torch.optim.SGD, torch.optim.Adam])
def test_an_optimizer_without_waits_may_declare_none(factory: Any) -> None:
    assert finding_of("host-syncs-as-declared", subject_of(factory, host_syncs=0)).status == "ok"


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (HiddenItem, r"declares host_syncs=0; on a quadratic, step 1 waited once: item at .*:\d+ in direction$"),
        (WritingDown, r"step 1 waited once: item at .*test_devices.py:\d+ in direction"),
        (WaitingLate, r"on a quadratic, step 20 waited once: item at .*test_devices.py:\d+ in late"),
        (
            InNumpy,
            r"waits can't be counted, for it does not run on another device: see stays-.*InNumpy\)$",
        ),
        (BranchingOnATensor, r"item \(2 times\) at .*test_devices.py:\d+ in direction$"),
        (CholeskyNewton, r"linalg's check for errors at .*test_devices.py:\d+ in direction"),
        (Spectral, r"eigh at .*test_devices.py:\d+ in direction"),
        (torch.optim.Adafactor, r"item at .*torch/optim/.*adafactor.py:\d+ in"),
    ],
)
def test_more_waits_than_declared_are_told_with_their_lines(factory: Any, message: str) -> None:
    found = finding_of("host-syncs-as-declared", subject_of(factory, host_syncs=0))
    assert found.failed
    assert re.search(message, found.message), found.message


def test_as_many_waits_as_declared_are_allowed() -> None:
    assert finding_of("host-syncs-as-declared", subject_of(HiddenItem, host_syncs=1)).status == "ok"


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (
            ForgettingTheDevice,
            r"mv of a tensor on the device and one on the CPU, of shape \(8, 8\) \(.*:(\d+) in direction\)",
        ),
        (ForgettingTheDevice, r"the CPU tensor was made at .*test_devices.py:\d+ in direction"),
        (
            HistoryOnTheCpu,
            r"it keeps state.memory\['pairs'\]\[0\], of shape \(8,\), on the CPU; .*made at .*:\d+ in init",
        ),
        (StateOnTheCpu, r"publishes a point of cpu and torch.float64; the start is of another device"),
        (LeavingLate, r"add of a tensor on the device .*made at .*test_devices.py:\d+ in late"),
        (InNumpy, r": TypeError: numpy\(\) of a tensor on the device: copy it .*test_devices.py:\d+ in direction\)"),
        (
            DrawingOnTheDevice,
            r"randn on the device with a generator of the CPU.*\(.*test_devices.py:\d+ in direction\)",
        ),
    ],
)
def test_whatever_leaves_the_device_is_told_with_its_line(factory: Any, message: str) -> None:
    found = finding_of("stays-on-the-device", subject_of(factory))
    assert found.failed
    assert re.search(message, found.message), found.message


@pytest.mark.parametrize("check", ["stays-on-the-device", "host-syncs-as-declared"])
@pytest.mark.parametrize("factory", [SparseByCoordinates, SparseByRows, SparseInPassing])
def test_of_sparse_tensors_nothing_is_said(factory: Any, check: str) -> None:
    found = finding_of(check, subject_of(factory, host_syncs=0))
    assert found.status == "not applicable"
    assert re.search(r"can't follow SparseTensorError: .* of a sparse tensor .*test_devices.py:\d+", found.message)


@pytest.mark.parametrize("factory", [Descent, HiddenItem, QuietNewton, TableOnTheCpu, Owning, torch.optim.Adafactor])
def test_waiting_is_no_reason_to_fail_on_another_device(factory: Any) -> None:
    assert finding_of("stays-on-the-device", subject_of(factory)).message == ""


def test_checks_do_not_apply_to_what_the_audited_problems_lack() -> None:
    needy = subject_of(Descent, needs=frozenset({"blocks", "minibatches"}), host_syncs=0)
    assert [check.applies(needy) for check in DEVICE_CHECKS] == [
        "it needs blocks, which the audited problems do not give"
    ] * 2
    unbounded = subject_of(Descent)
    assert [check.applies(unbounded) for check in DEVICE_CHECKS] == ["", "it declares no bound (host_syncs=None)"]
