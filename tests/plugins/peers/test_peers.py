"""Every peer through the engine's own oracle: it solves, each evaluation counts, and it says why it ended."""

from __future__ import annotations

import importlib
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from optbench_peers import optbench_optimizers
from torch import Tensor

from optbench.api import OptimizerPlugin, Point, StopTrial
from optbench.records import Budget, Status
from optbench.testing.subject import Subject
from optbench.testing.trials import Trial, place, run

# What libraries warn of is theirs.
pytestmark = [
    pytest.mark.filterwarnings("ignore:overflow|invalid|divide|Method|The line search:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:torch.triangular_solve is deprecated:UserWarning"),
]
RECORDS = {record.name: record for record in optbench_optimizers()}


class Counted:
    """A function with its derivatives by autograd, which counts for itself how often each is asked for."""

    f_star, f_star_source, f_star_from_start = 0.0, "exact", None

    def __init__(self, function: Any, start: list[float], spoilt_after: float = math.inf) -> None:
        self._function, self._start = function, torch.tensor(start, dtype=torch.float64)
        self._left = spoilt_after
        self.size, self.calls = len(start), Counter[str]()

    def start(self, streams: Any) -> Point:
        return Point(parameters=self._start)

    def value(self, x: Tensor) -> Tensor:
        return self._function(x)

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self.calls["value"] += 1
        self._left -= 1
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            value = self._function(leaf)
            (gradient,) = torch.autograd.grad(value, leaf)
        return (value.detach(), gradient) if self._left >= 0 else (value.detach() * math.nan, gradient * math.nan)

    def hessian(self, x: Tensor) -> Tensor:
        self.calls["hessian"] += 1
        return torch.autograd.functional.hessian(self._function, x.detach().clone())

    def hessian_vector(self, x: Tensor, v: Tensor) -> Tensor:
        self.calls["hessian_vector"] += 1
        return torch.autograd.functional.hvp(self._function, x.detach().clone(), v)[1]


def rosenbrock(**kinds: Any) -> Counted:
    return Counted(lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2, [-1.2, 1.0], **kinds)


def quartic() -> Counted:
    """Never solved exactly: no peer is done with it after a few steps."""
    return Counted(lambda x: (x**4).sum() + x.square().sum(), [3.0, -2.0, 1.0])


def quadratic() -> Counted:
    spectrum = torch.logspace(0, 2, 10, dtype=torch.float64)
    return Counted(lambda x: 0.5 * (spectrum * (x - 1) ** 2).sum(), [0.0] * 10)


def tried(name: str, problem: Counted, evaluations: int = 200) -> Trial:
    return run(Subject.of_record(RECORDS[name]), problem, place(), Budget(evaluations=evaluations, seconds=20))


@pytest.fixture(params=RECORDS)
def peer(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    for module in RECORDS[name].requires:
        pytest.importorskip(module, reason="comes with optbench[peers]")
    return name


def tried_to_its_end(name: str, problem: Counted) -> Trial | None:
    """Return the trial; None where nlopt fails once it is at the minimum, as it often does."""
    try:
        return tried(name, problem)
    except Exception:
        if not name.startswith("nlopt-"):
            raise
        return None


@pytest.mark.parametrize("make", [quadratic, rosenbrock])
def test_it_minimises_and_each_evaluation_counts_once(make: Any, peer: str) -> None:
    problem = make()
    trial = tried_to_its_end(peer, problem)
    if trial is None:
        return
    assert float(problem.value(trial.end)) < 1e-10
    counts = trial.ledger.counts
    assert counts["value"] == counts["gradient"] == problem.calls["value"]
    assert counts["hessian"] == problem.calls["hessian"]
    assert counts["hessian_vector"] == problem.calls["hessian_vector"]
    assert torch.equal(problem.start(None).parameters, make().start(None).parameters)


def test_it_asks_for_the_derivatives_that_its_record_declares(peer: str) -> None:
    problem = quartic()
    trial = tried(peer, problem, evaluations=12)
    asked = {kind for kind, count in trial.ledger.counts.items() if count}
    assert asked == RECORDS[peer].evaluations


def test_the_budget_ends_it_at_once(peer: str) -> None:
    trial = tried(peer, quartic(), evaluations=5)
    assert (trial.outcome.status, trial.outcome.reason) == (Status.BUDGET, "evaluations")
    assert trial.ledger.evaluations == 5


@pytest.mark.parametrize("peer", ["scipy-bfgs", "scipy-trust-exact", "torch-lbfgs"])
def test_what_it_says_of_its_end_is_the_reason(peer: str) -> None:
    trial = tried(peer, quadratic(), evaluations=2000)
    assert trial.outcome.status is Status.OK
    assert trial.outcome.reason not in ("", "minimize returned")


def test_published_points_are_copies(peer: str) -> None:
    """Solvers write into their own point; what was published must keep its value."""
    seen: list[tuple[Tensor, Tensor]] = []

    class Enough(StopTrial):
        pass

    def observe(x: Tensor) -> None:
        seen.append((x, x.clone()))
        if len(seen) == 4:
            raise Enough

    with pytest.raises(Enough):
        Subject.of_record(RECORDS[peer]).optimizer().minimize(
            Plain(quartic()), quartic().start(None).parameters, observe
        )
    assert all(torch.equal(published, then) for published, then in seen)
    assert len({tuple(then.tolist()) for _, then in seen}) > 1


class Plain:
    """An oracle without books."""

    device, dtype, batch = torch.device("cpu"), torch.float64, 0

    def __init__(self, problem: Counted) -> None:
        self.size = problem.size
        self.value_and_gradient = self._of(problem.value_and_gradient)
        self.hessian, self.hessian_vector = self._of(problem.hessian), self._of(problem.hessian_vector)

    @staticmethod
    def _of(method: Any) -> Any:
        return lambda *arguments: method(
            *(torch.tensor(item) if isinstance(item, np.ndarray) else item for item in arguments)
        )


def test_torch_asks_nothing_again_between_its_calls() -> None:
    """One long call of torch's `step` evaluates as often as our calls of one iteration each."""
    problem = rosenbrock()
    ours = tried("torch-lbfgs", problem, evaluations=40)
    parameter = rosenbrock().start(None).parameters.clone().requires_grad_()
    points: list[Tensor] = []

    def closure() -> Tensor:
        points.append(parameter.detach().clone())
        value, parameter.grad = rosenbrock().value_and_gradient(parameter)
        return value

    solver = torch.optim.LBFGS(
        [parameter],
        max_iter=30,
        max_eval=10**6,
        tolerance_grad=0.0,
        tolerance_change=1e-300,
        history_size=10,
        line_search_fn="strong_wolfe",
    )
    solver.step(closure)
    values = [float(rosenbrock().value(x)) for x in points][:40]
    assert len(values) > 30
    assert ours.trace["value"][: len(values)].tolist() == values


@pytest.mark.parametrize("name", ["trust-exact", "newton-exact", "newton-cg", "trust-ncg", "l-bfgs", "bfgs", "cg"])
def test_torchmin_asks_what_it_asks_of_a_plain_function(name: str) -> None:
    """Also after rejected steps, which Rosenbrock's valley has: the objects that it takes cost nothing more."""
    torchmin = pytest.importorskip("torchmin", reason="comes with optbench[peers]")
    optimizer = Subject.of_record(RECORDS[f"torchmin-{name}"]).optimizer()
    asked: list[float] = []

    def function(x: Tensor) -> Tensor:
        value = rosenbrock().value(x)
        asked.append(float(value.detach()))
        return value

    options = {**optimizer.options, "max_iter": 20}
    torchmin.minimize(function, rosenbrock().start(None).parameters, name, options=options)
    trial = tried(f"torchmin-{name}", rosenbrock(), evaluations=len(asked) + 50)
    values = [value for value, kind in zip(trial.trace["value"], _kinds(trial), strict=True) if kind == "value_count"]
    assert len(asked) > 20
    assert values[: len(asked)] == pytest.approx(asked, rel=1e-6)


def _kinds(trial: Trial) -> list[str]:
    """Return which count rose at each evaluation; a value and a gradient rise together."""
    rows = trial.trace["value_count"]
    return ["value_count" if now > before else "" for before, now in zip([0.0, *rows[:-1]], rows, strict=True)]


def test_a_point_that_is_no_number_is_no_reason_to_go_on_for_ever() -> None:
    pytest.importorskip("torchmin", reason="comes with optbench[peers]")
    problem = rosenbrock()
    problem.hessian = lambda x: torch.full((2, 2), math.nan, dtype=torch.float64)  # type: ignore[method-assign]
    with pytest.raises(FloatingPointError, match="never return"):
        tried("torchmin-trust-exact", problem)


@pytest.mark.parametrize("name", RECORDS)
def test_a_library_beyond_our_own_is_required_by_name(name: str) -> None:
    record: OptimizerPlugin = RECORDS[name]
    library = name.partition("-")[0]
    assert dict(record.requires) == ({} if library in ("scipy", "torch") else {library: "optbench[peers]"})
    if not record.requires:
        module, _, factory = record.factory.partition(":")
        assert hasattr(importlib.import_module(module), factory)
