"""Micro-benchmarks: what is stepped, what is counted, and how results are compared with a baseline."""

from __future__ import annotations

import json

import pytest

from optbench.api import UserError
from optbench.testing.compare_steps import main
from optbench.testing.stepping import Stepper, benchmark_steps

SOURCE = """
import torch
from types import SimpleNamespace
from optbench.api import *

class Down:
    def init(self, oracle, start): return SimpleNamespace(point=start.clone(), finished=None)
    def step(self, oracle, state):
        state.point = state.point - 0.25 * oracle.gradient(state.point)
        return state

class Own:
    def minimize(self, oracle, start, observe): return start

class Bowl:
    size, f_star, f_star_source, f_star_from_start = 3, 0.0, "exact", None
    def __init__(self, *, device, dtype, streams): self.dtype = dtype
    def start(self, streams): return Point(parameters=torch.ones(3, dtype=self.dtype))
    def value(self, x): return x.dot(x)

class Batches(Bowl):
    def batches(self, streams): return iter([torch.tensor([0])])

@hookimpl
def optbench_optimizers():
    yield OptimizerPlugin(name="down", factory=f"{__name__}:Down", summary="Down.")
    yield OptimizerPlugin(name="own", factory=f"{__name__}:Own", summary="Its own loop.")

@hookimpl
def optbench_problems():
    yield ProblemPlugin(name="bowl", factory=f"{__name__}:Bowl", summary="A bowl.")
    yield ProblemPlugin(name="batches", factory=f"{__name__}:Batches", summary="Minibatches.")
"""


@pytest.fixture
def catalogue(optbench_plugin):
    return optbench_plugin(SOURCE)


def test_each_step_is_one_of_the_optimizers(catalogue):
    stepper = Stepper("down", "bowl", catalogue=catalogue)
    for _ in range(3):
        stepper.step()
    assert stepper.state.point.tolist() == [0.125] * 3  # halved by each
    assert (stepper.steps, stepper.ledger.evaluations, stepper.finished) == (3, 3, False)


@pytest.mark.parametrize(
    ("optimizer", "problem", "said"), [("own", "bowl", "loop"), ("down", "batches", "minibatches")]
)
def test_what_cannot_be_stepped_is_refused(catalogue, optimizer, problem, said):
    with pytest.raises(UserError, match=said):
        Stepper(optimizer, problem, catalogue=catalogue)


def test_each_round_steps_a_fresh_optimizer_that_is_warm(catalogue):
    made = []

    class Benchmark:
        extra_info: dict = {}  # noqa: RUF012 -- a fake

        def pedantic(self, take, *, setup, rounds, iterations):
            for _ in range(rounds):
                arguments, _ = setup()
                take(*arguments)
                made.append(arguments[0])

    benchmark = Benchmark()
    benchmark_steps(benchmark, lambda: Stepper("down", "bowl", catalogue=catalogue), steps=4, rounds=3, warm=2)
    assert [stepper.steps for stepper in made] == [6, 6, 6]
    assert len(set(map(id, made))) == 3
    assert benchmark.extra_info["steps"] == 4
    assert benchmark.extra_info["evaluations"] == 1
    assert benchmark.extra_info["reference_seconds"] > 0


def results(**times):
    rows = [
        {"name": name, "stats": {"min": least}, "extra_info": {"steps": 10, "reference_seconds": reference}}
        for name, (least, reference) in times.items()
    ]
    return {"benchmarks": rows}


@pytest.mark.parametrize(("least", "code"), [(0.02, 0), (0.029, 0), (0.031, 1)])
def test_a_ratio_above_the_limit_fails_whatever_the_machine(tmp_path, capsys, least, code):
    path, baseline = tmp_path / "results.json", tmp_path / "baseline.json"
    for content, arguments, expected in (
        (results(a=(0.02, 0.001)), ["--write"], 0),
        (results(a=(2 * least, 0.002), new=(1.0, 0.001)), [], code),  # a machine that is half as fast
    ):
        path.write_text(json.dumps(content))
        assert main([str(path), str(baseline), *arguments]) == expected
    assert "new" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (results(a=(0.02, 0.001)), "baseline.json"),
        ({"benchmarks": [{"extra_info": {}}]}, "holds no"),
        ({}, "can't use"),
    ],
)
def test_nothing_to_compare_is_an_error(tmp_path, capsys, content, said):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(content))
    with pytest.raises(SystemExit, match="2"):
        main([str(path), str(tmp_path / "baseline.json")])
    assert said in capsys.readouterr().err
