"""What counts as memory, at both levels; planted optimizers keep, hide and drop known numbers of bytes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from optbench.api import Point
from optbench.measure import memory_pass as module
from optbench.measure.memory import LiveBytes, state_bytes
from optbench.measure.memory_pass import memory_pass
from optbench.measure.process_memory import ProcessPeak
from optbench.records import Budget, Component, Job, Status, TrialRecord, TrialSpec
from tests.measure.fakes import Bowl, Descent

N = 1000  # parameters of the problems here
VECTOR = 8 * N  # bytes


class Tilted(Bowl):
    """A bowl with a matrix of 100 numbers that only its functions hold."""

    def __init__(self) -> None:
        super().__init__(N)
        matrix = torch.ones(10, 10, dtype=torch.float64)
        self.look = lambda: matrix + 1


class Scratch(Descent):
    """Keeps `kept` numbers, and needs `dropped` more in its third step."""

    def __init__(self, kept: int = 0, dropped: int = 0) -> None:
        super().__init__(0.5)
        self.kept, self.dropped, self.steps = kept, dropped, 0

    def init(self, oracle: Any, start: torch.Tensor) -> Any:
        return SimpleNamespace(
            point=start.clone(), finished=None, kept=torch.zeros(self.kept, dtype=torch.float64), steps=0
        )

    def step(self, oracle: Any, state: Any) -> Any:
        state.steps += 1
        if state.steps == 3:
            torch.zeros(self.dropped, dtype=torch.float64)
        return super().step(oracle, state)


class Late(Descent):
    """Keeps a matrix from its 12th step on, and needs two for a moment in its 20th."""

    def init(self, oracle: Any, start: torch.Tensor) -> Any:
        return SimpleNamespace(point=start.clone(), finished=None, steps=0, kept=None)

    def step(self, oracle: Any, state: Any) -> Any:
        state.steps += 1
        if state.steps == 12:
            state.kept = start_matrix(state.point)
        if state.steps == 20:
            start_matrix(state.point), start_matrix(state.point)
        return super().step(oracle, state)


def start_matrix(point: torch.Tensor) -> torch.Tensor:
    return torch.zeros(100, point.numel(), dtype=torch.float64)


class Arrays(Descent):
    """Keeps 100 rows as an array of numpy; drops `dropped` numbers in each step."""

    def __init__(self, dropped: int = 0) -> None:
        super().__init__(0.5)
        self.kept, self.dropped = np.ones((100, N)), dropped

    def step(self, oracle: Any, state: Any) -> Any:
        np.ones(self.dropped)
        return super().step(oracle, state)


class Shares(Descent):
    """Keeps an array, a tensor on the same memory and a view of its point as an array: two memories, not four."""

    def init(self, oracle: Any, start: torch.Tensor) -> Any:
        array = np.ones(10 * N)
        return SimpleNamespace(point=start.clone(), finished=None, array=array, tensor=torch.from_numpy(array))

    def step(self, oracle: Any, state: Any) -> Any:
        state = super().step(oracle, state)
        state.view = state.point.numpy()[::-1]
        return state


class Sparse(Descent):
    """Scales gradients by a sparse diagonal matrix."""

    def init(self, oracle: Any, start: torch.Tensor) -> Any:
        diagonal = torch.diag(torch.full_like(start, 0.5)).to_sparse()
        return SimpleNamespace(point=start.clone(), finished=None, diagonal=diagonal)

    def step(self, oracle: Any, state: Any) -> Any:
        state.point = state.point - torch.mv(state.diagonal, oracle.gradient(state.point))
        return state


class Hoarder(Descent):
    """Keeps every point that it has been at."""

    def init(self, oracle: Any, start: torch.Tensor) -> Any:
        return SimpleNamespace(point=start.clone(), finished=None, seen=[])

    def step(self, oracle: Any, state: Any) -> Any:
        state.seen.append(state.point.clone())
        return super().step(oracle, state)


class FakeMeter:
    """A device whose peak is 100 bytes above what was in use at the last reset."""

    def __init__(self, device: str) -> None:
        self.device, self.resets = device, 0

    def sync(self) -> None: ...

    def now(self) -> float:
        return 0.0

    def reset_peak(self) -> None:
        self.resets += 1

    def peak_bytes(self) -> int:
        return 100 * self.resets


class OwnLoop:
    def minimize(self, oracle: Any, start: torch.Tensor, observe: Any) -> torch.Tensor:
        return start - oracle.gradient(start)


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Run the memory pass of an optimizer on a problem, without changing how this process frees memory."""
    fakes: Any = ModuleType("optbench_memory_fakes")
    fakes.bowl = lambda device, dtype, streams: Bowl(N)
    fakes.tilted = lambda device, dtype, streams: Tilted()
    fakes.scratch, fakes.hoarder, fakes.own, fakes.descent = Scratch, Hoarder, OwnLoop, Descent
    fakes.late, fakes.arrays, fakes.shares, fakes.sparse = Late, Arrays, Shares, Sparse
    fakes.meter = FakeMeter
    monkeypatch.setitem(sys.modules, fakes.__name__, fakes)
    for name in ("return_freed_memory", "keep_freed_memory"):
        monkeypatch.setattr(module, name, lambda: None)

    def run(optimizer: str, problem: str = "bowl", meters: tuple[str, ...] = (), **options: Any) -> TrialRecord:
        spec = TrialSpec(
            problem=Component(name=f"fakes/{problem}"),
            optimizer=Component(name="fakes/x", options=options),
            budget=Budget(evaluations=1),
        )
        factory = optimizer if ":" in optimizer else f"{fakes.__name__}:{optimizer}"
        problem_factory = f"{fakes.__name__}:{problem}"
        return memory_pass(
            Job(
                spec=spec,
                pass_="memory",
                problem_factory=problem_factory,
                optimizer_factory=factory,
                meter_factories=meters,
            )
        )

    return run


def test_state_is_counted_exactly(measure: Any) -> None:
    adam = measure("torch.optim:Adam", lr=0.1)

    assert adam.state_bytes == 2 * VECTOR + 4  # two moments, and the float32 step count
    assert measure("descent").state_bytes == 0
    assert measure("scratch", kept=77).state_bytes == 8 * 77


def test_the_peak_is_the_state_the_point_and_what_a_step_needs_beyond(measure: Any) -> None:
    """The scratch exceeds everything else that the steps need; the gradient of the step before is alive with it."""
    small, large = (measure("scratch", kept=500, dropped=dropped) for dropped in (10 * N, 20 * N))

    assert large.peak_live_bytes - small.peak_live_bytes == 10 * VECTOR
    assert large.transient_bytes - small.transient_bytes == 10 * VECTOR
    for record in (small, large):
        assert record.peak_live_bytes == record.transient_bytes + record.state_bytes + VECTOR


def test_a_state_that_grows_is_followed_for_thirty_steps_and_its_most_is_kept(measure: Any) -> None:
    assert measure("hoarder").state_bytes == 30 * VECTOR


def test_what_is_needed_late_counts(measure: Any) -> None:
    record = measure("late")

    assert record.state_bytes == 100 * VECTOR
    assert 300 * VECTOR <= record.peak_live_bytes <= 310 * VECTOR


def test_kept_arrays_are_part_of_the_peak(measure: Any) -> None:
    record = measure("arrays")

    assert record.state_bytes == 100 * VECTOR
    assert record.peak_live_bytes == record.state_bytes + VECTOR + record.transient_bytes


def test_arrays_and_tensors_on_one_memory_are_counted_once(measure: Any) -> None:
    record = measure("shares")

    assert record.state_bytes == 10 * VECTOR
    assert record.peak_live_bytes == record.state_bytes + VECTOR + record.transient_bytes


def test_a_view_by_numpy_is_the_tensor_s_memory() -> None:
    tensor = torch.zeros(6, 4, dtype=torch.float64)

    assert state_bytes(tensor.numpy().T[1:], tensor) == 192
    assert state_bytes(tensor.numpy(), without=(tensor,)) == 0


@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_sparse_tensors_are_counted_by_their_parts(measure: Any) -> None:
    identity = torch.eye(10, dtype=torch.float64)

    assert state_bytes(identity.to_sparse()) == 10 * (8 + 2 * 8)
    parts = torch.tensor([0, 1, 2]), torch.tensor([0, 1]), torch.ones(2, dtype=torch.float64)
    assert state_bytes(torch.sparse_csr_tensor(*parts, check_invariants=True)) == state_bytes(*parts) == 8 * (3 + 2 + 2)
    assert measure("sparse").state_bytes == N * (8 + 2 * 8)


def test_memory_that_is_no_tensor_and_not_kept_is_told(measure: Any) -> None:
    """16 MB: far above the noise of pages."""
    seen, unseen = measure("arrays"), measure("arrays", dropped=2_000_000)

    assert seen.memory_note == ""
    assert unseen.peak_live_bytes == seen.peak_live_bytes
    assert "more than tensors and kept arrays explain" in unseen.memory_note


def test_a_problem_holds_its_start_and_what_its_functions_have_bound(measure: Any) -> None:
    assert measure("descent").problem_bytes == VECTOR
    assert measure("descent", "tilted").problem_bytes == VECTOR + 800


def test_a_solver_with_its_own_loop_has_no_exact_figures_rather_than_zeros(measure: Any) -> None:
    record = measure("own")

    assert record.status is Status.OK
    assert (record.state_bytes, record.peak_live_bytes, record.transient_bytes) == (None, None, None)
    assert record.problem_bytes == VECTOR
    assert record.peak_process_bytes is not None


def test_the_device_s_peak_comes_from_its_meter_which_is_reset_once_after_the_problem_is_built(measure: Any) -> None:
    assert measure("descent").peak_device_bytes is None  # the host has no allocator to ask
    assert measure("descent", meters=("optbench_memory_fakes:meter",)).peak_device_bytes == 100


def test_live_bytes_counts_what_comes_alive_and_what_goes() -> None:
    with LiveBytes() as live:
        kept = torch.zeros(100, dtype=torch.float64)
        gone = torch.zeros(1000, dtype=torch.float64)
        view = kept[:10]
        del gone
        after = live.live

    assert (after, live.peak) == (800, 8800)
    assert view.numel() == 10


def test_what_was_alive_before_is_not_counted_when_a_view_of_it_comes_back() -> None:
    old = torch.zeros(1000, dtype=torch.float64)

    with LiveBytes() as live:
        view = old.view(10, 100)[3:]
        made = torch.tensor([1.0, 2.0], dtype=torch.float64)

    assert view.shape == (7, 100)
    assert live.peak == made.nbytes


def test_state_bytes_counts_shared_storage_once_and_leaves_out_what_it_is_told() -> None:
    base = torch.zeros(10, dtype=torch.float64)
    state = {"a": base, "b": [base[:5]], "c": torch.zeros(3, dtype=torch.float32)}

    assert state_bytes(state) == 80 + 12
    assert state_bytes(state, without=(base,)) == 12


# ---- level 2, on made-up /proc files


def proc(folder: Path, resident: int, peak: int) -> Path:
    (folder / "status").write_text(f"Name:\tx\nVmHWM:\t{peak} kB\nVmRSS:\t{resident} kB\n")
    return folder


def test_the_growth_of_the_process_is_its_peak_above_what_was_resident_at_the_start(tmp_path: Path) -> None:
    peak = ProcessPeak(proc(tmp_path, resident=1000, peak=9000))
    peak.begin()
    proc(tmp_path, resident=1200, peak=1500)

    assert (tmp_path / "clear_refs").read_text() == "5"
    assert peak.growth() == 500 * 1024
    assert peak.why_not == ""


def test_without_a_peak_that_can_be_reset_there_is_no_figure_but_a_reason(tmp_path: Path) -> None:
    (tmp_path / "clear_refs").mkdir()  # can't be written
    refused = ProcessPeak(proc(tmp_path, resident=1000, peak=9000))
    refused.begin()
    absent = ProcessPeak(tmp_path / "nowhere")
    absent.begin()

    assert (refused.growth(), absent.growth()) == (None, None)
    assert "the peak can't be reset" in refused.why_not
    assert "clear_refs" in refused.why_not
    assert absent.why_not


def test_two_stages_share_one_peak(measure: Any) -> None:
    """The start of the second stage is the first one's point: nothing is forgotten in between."""
    point = Point(parameters=torch.zeros(N, dtype=torch.float64))
    probe = module.ExactProbe(SimpleNamespace(problem=None))  # type: ignore[arg-type]  # all that it reads

    with probe.live:
        probe.init_begins(None, point.parameters)
        kept = torch.zeros(N, dtype=torch.float64)
        probe.init_begins(None, kept)

    assert probe.live.peak == VECTOR


def test_hessians_by_torchs_transforms_are_followed_like_anything_else() -> None:
    x = torch.arange(1.0, 5.0, dtype=torch.float64)

    with LiveBytes() as live:
        hessian = torch.func.hessian(lambda y: (y**4).sum())(x)

    assert torch.equal(hessian, torch.diag(12 * x * x))
    assert live.peak >= hessian.nbytes
