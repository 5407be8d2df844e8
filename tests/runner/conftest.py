"""A one-file plugin with problems and optimizers of every temper, and a session that runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from optbench.records import Budget, Limits, TrialRecord, TrialSpec, parse
from optbench.registry import load_catalogue, resolve, resolve_recipe
from optbench.runner.client import ForkServer
from optbench.runner.jobs import JobFactory
from optbench.runner.scoring import Asked
from optbench.runner.session import Session
from optbench.store import Store

PLUGIN = """
import os
import signal
import subprocess
from types import SimpleNamespace

from optbench.api import FunctionProblem, MetricPlugin, OptimizerPlugin, ProblemPlugin, hookimpl


def bowl(device, dtype, streams):
    def value(x):
        return (x * x).sum()

    return FunctionProblem(size=2, start_point=[1.0, 1.0], value=value, f_star=0.0, f_star_source="exact")


class Descent:
    def init(self, oracle, start):
        return SimpleNamespace(point=start.clone(), finished=None)

    def step(self, oracle, state):
        state.point = state.point - 0.25 * oracle.gradient(state.point)
        return self.misbehave(state) or state

    def misbehave(self, state):
        print("what a plugin prints goes nowhere near the results")


class Loops(Descent):
    def misbehave(self, state):
        while state.point[0] < 0.3:
            pass


class Forks(Descent):
    def misbehave(self, state):
        with open(os.environ["OPTBENCH_TEST_PID"], "w") as file:
            file.write(str(subprocess.Popen(["sleep", "600"]).pid))
        while True:
            pass


class Allocates(Descent):
    def misbehave(self, state):
        import torch

        state.big = torch.ones(100 * 2**30 // 8, dtype=torch.float64)


class Raises(Descent):
    def misbehave(self, state):
        raise ValueError("no good")


class Exits(Descent):
    def misbehave(self, state):
        os._exit(0)


class Crashes(Descent):
    def misbehave(self, state):
        os.kill(os.getpid(), signal.SIGSEGV)


class Dies(Descent):
    def misbehave(self, state):
        os.kill(os.getpid(), signal.SIGKILL)


class ReturnsNan(Descent):
    def misbehave(self, state):
        state.point = state.point * float("nan")


class AsksForMore(Descent):
    def misbehave(self, state):
        pass

    def step(self, oracle, state):
        oracle.hessian(state.point)
        return state


@hookimpl
def optbench_optimizers():
    tempers = "Descent Loops Forks Allocates Raises Exits Crashes Dies ReturnsNan AsksForMore"
    for name in tempers.split():
        yield OptimizerPlugin(name=name.lower(), factory=f"{__name__}:{name}", summary=name)


@hookimpl
def optbench_problems():
    yield ProblemPlugin(name="bowl", factory=f"{__name__}:bowl", summary="x squared")
"""


@pytest.fixture(scope="session")
def server() -> Iterator[ForkServer]:
    """One warm fork server."""
    with ForkServer() as running:
        yield running


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """The plugin's file."""
    path = tmp_path / "temper.py"
    path.write_text(PLUGIN, encoding="utf-8")
    return path


@pytest.fixture
def run(server: ForkServer, plugin: Path, tmp_path: Path) -> Callable[..., list[TrialRecord]]:
    """Run optimizers on the bowl; the session is left in `run.session`, the store in `run.store`."""

    def execute(
        *optimizers: str, seconds: float = 20.0, store: str = "results.sqlite", **options: Any
    ) -> list[TrialRecord]:
        catalogue = load_catalogue(plugin_files=[plugin, *options.pop("beside", ())], only=[])
        budget = options.pop("budget", Budget(evaluations=6))
        problem = resolve(catalogue, "problems", parse(options.pop("problem", "bowl"))[0])
        device = options.pop("device", "cpu")
        specs = [
            TrialSpec(problem=problem, optimizer=resolve_recipe(catalogue, name)[0], budget=budget, device=device)
            for name in optimizers
        ]
        with Store.open(tmp_path / store) as opened:
            from optbench.runner.environment import capture

            environment = capture()
            session = Session(
                JobFactory(catalogue, machine=environment.fingerprint),
                server,
                opened,
                opened.begin_run({"name": "test"}, "test", environment),
                tmp_path / "spool",
                limits=Limits(seconds=seconds),
                asked=options.pop("asked", Asked(("relative:1e-01",))),
                **options,
            )
            execute.session = session  # type: ignore[attr-defined]  # for the test to look at
            records = session.execute(_Plan(specs))
            keys = [session.factory.key(spec, "time") for spec in specs]
            execute.events = {key.id: opened.trace(key, "events") for key in keys}  # type: ignore[attr-defined]  # as above
            return records

    return execute


class _Plan:
    def __init__(self, specs: list[TrialSpec]) -> None:
        self.specs = specs

    def next(self, records: Any) -> tuple[TrialSpec, ...]:
        done = {record.id for record in records}
        return tuple(spec for spec in self.specs if spec.id not in done)
