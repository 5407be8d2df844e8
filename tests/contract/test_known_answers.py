"""The suite `known-answers`: its numbers are those of its formulas, its methods reach them, and wrong ones don't."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optbench.cli import main
from optbench.records import parse

FILE = Path(__file__).parents[2] / "suites" / "optbench_suites" / "known-answers.toml"
SUITE = tomllib.loads(FILE.read_text(encoding="utf-8"))
GATES = {gate["name"]: gate for gate in SUITE["gate"]}


# ---- the numbers in the file


RATES = {name: parse(gate["problem"])[0] for name, gate in GATES.items() if gate["quantity"] == "rate"}


@pytest.mark.parametrize("name", [name for name, problem in RATES.items() if problem.name == "coupled-pair"])
def test_a_stated_rate_of_coordinate_descent_is_that_of_its_alpha(name: str) -> None:
    """Eliminating the minima by hand: a sweep maps (x₁, x₂) to (x₂/(1 + α), x₂/(1 + α)²), and f is homogeneous."""
    alpha = RATES[name].options["alpha"]
    x = np.array([1 + alpha, 1.0])
    swept = np.array([x[1] / (1 + alpha), x[1] / (1 + alpha) ** 2])
    values = [(a - b) ** 2 + alpha * (a * a + b * b) for a, b in (x, swept)]
    assert swept == pytest.approx(x * (1 + alpha) ** -2, rel=1e-15)
    assert GATES[name]["expected"] == pytest.approx(values[1] / values[0], rel=1e-14)
    assert GATES[name]["expected"] == pytest.approx((1 + alpha) ** -4, rel=1e-15)
    assert GATES[name]["relative_tolerance"] == 1e-6


@pytest.mark.parametrize("name", [name for name, problem in RATES.items() if problem.name == "quadratic"])
def test_a_stated_rate_is_that_of_its_condition(name: str) -> None:
    problem = RATES[name]
    condition = problem.options["condition"]
    assert GATES[name]["expected"] == pytest.approx(((condition - 1) / (condition + 1)) ** 2, rel=1e-14)
    assert GATES[name]["relative_tolerance"] == 1e-6


@pytest.mark.parametrize("condition", [10.0, 100.0])
def test_the_fixed_step_is_two_over_the_sum_of_the_extreme_eigenvalues(condition: float) -> None:
    steps = [parse(item["use"])[0].options.get("lr") for item in SUITE["optimizer"]]
    assert 2 / (1 + 1 / condition) in steps


def excess_of_averaged_sgd(
    *, n: int, condition: float, batch_size: int, lr: float, left_out: int, averaged: int
) -> float:
    """Return the expected excess of the average in units of nσ²/(TB), exactly, for σ = 1.

    With e = x − θ*, H = (1/B)Σ aaᵀ and γ = 2 lr, a step is e ← (I − γH)e + (γ/B)Σ aε. Inputs are Gaussian with
    covariance Λ in the eigenbasis, so that m = E[e²] (by coordinate) obeys, with E[HCH] = ΛCΛ + (ΛCΛ + tr(ΛC)Λ)/B,
        m ← m − 2γλm + γ²(λ²m + (λ²m + λ λᵀm)/B) + γ²λ/B.
    Later errors are E[e_t₊ₖ e_t] = (1 − γλ)ᵏ m_t, which the square of the mean sums over all pairs.
    """
    eigenvalues, rate = np.logspace(0, -np.log10(condition), n), 2 * lr
    squares = 1 / (n * eigenvalues)
    history = []
    for _ in range(left_out + averaged):
        fourth = eigenvalues**2 * squares + eigenvalues * (eigenvalues @ squares)
        growth = eigenvalues**2 * squares + fourth / batch_size + eigenvalues / batch_size
        squares = squares - 2 * rate * eigenvalues * squares + rate**2 * growth
        history.append(squares)
    kept = 1 - rate * eigenvalues
    later = np.arange(averaged - 1, -1, -1)[:, None]  # iterates after each one
    powers = kept * (1 - kept**later) / (1 - kept)  # the sum of kept¹, …, keptˡᵃᵗᵉʳ
    total = (np.array(history[left_out:]) * (1 + 2 * powers)).sum(0)
    return float(eigenvalues @ total) / averaged**2 * averaged * batch_size / n


@pytest.mark.parametrize("name", ["averaged SGD", "averaged SGD (κ = 4)"])
def test_the_stated_excess_is_that_of_its_step_and_number_of_iterates(name: str) -> None:
    gate = GATES[name]
    condition = parse(gate["problem"])[0].options["condition"]
    problems = {
        call.options.get("condition", 1.0): (call, item)
        for item in SUITE["problem"]
        for call in parse(item["use"])
        if call.name == "streaming-least-squares"
    }
    call, table = problems[condition]
    (optimizer,) = [item["use"] for item in SUITE["optimizer"] if "polyak" in item["use"]]
    sgd, polyak = parse(optimizer)
    n, batch_size, left_out = call.options["n"], call.options["batch_size"], polyak.options["start"]
    averaged = table["budget"]["steps"] - left_out
    expected = excess_of_averaged_sgd(
        n=n,
        condition=condition,
        batch_size=batch_size,
        lr=sgd.options["lr"],
        left_out=left_out,
        averaged=averaged,
    )
    assert gate["scale"] == averaged * batch_size / n
    assert gate["expected"] == pytest.approx(expected, rel=1e-9)
    assert expected == pytest.approx(1, abs=0.02)  # near the limit nσ²/(TB)


def test_the_recursion_tends_to_the_limit_for_small_steps_and_many_iterates() -> None:
    near, far = (
        excess_of_averaged_sgd(n=3, condition=2.0, batch_size=1, lr=lr, left_out=2000, averaged=averaged)
        for lr, averaged in ((0.002, 40_000), (0.05, 1000))
    )
    assert near == pytest.approx(1, abs=0.02)
    assert abs(far - 1) > 0.1


# ---- the methods


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, dict[str, Any]]]:
    code = main(["suite", "known-answers", "--no-report", "--json", *arguments])
    return code, {gate["name"]: gate for gate in json.loads(capsys.readouterr().out)["gates"]}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_known_answers_come_out(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("optbench")
    command = [program, "suite", "known-answers", "--no-report", "--json"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    gates = json.loads(ran.stdout)["gates"]
    assert [gate for gate in gates if not gate["passed"]] == []
    assert len(gates) == len(GATES)
    assert ran.returncode == 0


@dataclass(frozen=True)
class Planted:
    """A plugin whose record `name` is made by `factory` instead."""

    plugin: str
    hook: str
    name: str
    factory: str  # Python text that defines `wrong`
    arguments: tuple[str, ...]
    fails: tuple[str, ...]  # gates; every other one that is left must pass


STEEPEST = ("steepest descent (κ = 10)", "steepest descent (κ = 100)", "steepest descent (κ = 1000)")
FIXED = ("fixed step (κ = 10)", "fixed step (κ = 100)")
AVERAGED = ("averaged SGD", "averaged SGD (κ = 4)")
DESCENT = ("descent", "optbench_optimizers", "gradient-descent")
COORDINATES = ("descent", "optbench_optimizers", "coordinate-descent")
SWEEPS = ("coordinate descent (α = 0.01)", "coordinate descent (α = 0.5)")
PLANTED = {
    "a line search that is 1 % off": Planted(
        *DESCENT,
        """
        from optbench.numerics.descent import Descent
        from optbench.numerics.line import Found
        from optbench_descent.steepest import NegativeGradient, gradient_descent

        class Search:
            def search(self, line, first):
                return Found(line.at(1.01 * line.minimum()), "accepted", 1)

        def wrong(*, lr, line_search):
            honest = gradient_descent(lr=lr, line_search=line_search)
            return honest if line_search == "none" else Descent(NegativeGradient(), Search())
        """,
        ("--only", "optimizer=gradient-descent"),
        STEEPEST,
    ),
    "a learning rate that is 0.1 % off": Planted(
        *DESCENT,
        """
        from optbench_descent.steepest import gradient_descent

        def wrong(*, lr, line_search):
            return gradient_descent(lr=0.999 * lr, line_search=line_search)
        """,
        ("--only", "optimizer=gradient-descent"),
        FIXED,
    ),
    "a gradient that is evaluated in vain": Planted(
        *DESCENT,
        """
        from optbench_descent.steepest import FixedStep, gradient_descent

        class Wasteful(FixedStep):
            def step(self, oracle, state):
                state = super().step(oracle, state)
                oracle.gradient(state.point + 1e3)
                return state

        def wrong(*, lr, line_search):
            return Wasteful(lr) if line_search == "none" else gradient_descent(lr=lr, line_search=line_search)
        """,
        ("--only", "optimizer=gradient-descent"),
        ("one gradient a step",),
    ),
    "coordinates that all move from where the sweep began": Planted(
        *COORDINATES,
        """
        from optbench_descent.coordinate.descent import coordinate_descent

        class Together:
            def __init__(self, honest):
                self.honest, self.init = honest, honest.init

            def step(self, oracle, state):
                value, gradient = oracle.value_and_gradient(state.point)
                unit = gradient.new_tensor([1.0, 0.0])
                curvature = oracle.hessian_vector(state.point, unit)[0]
                oracle.gradient(state.point - gradient / curvature * unit)
                state.point = state.point - gradient / curvature
                oracle.value_and_gradient(state.point)
                return state

        def wrong(**options):
            return Together(coordinate_descent(**options))
        """,
        ("--only", "optimizer=coordinate-descent"),
        SWEEPS,
    ),
    "a coordinate that stops a little short of its minimum": Planted(
        *COORDINATES,
        """
        from optbench.numerics.line import Found
        from optbench_descent.coordinate.descent import coordinate_descent

        class Short:
            def search(self, line, first):
                return Found(line.at(0.9999 * first), "accepted", 1)

        def wrong(**options):
            method = coordinate_descent(**options)
            method.method._anywhere.solver.search = Short()
            return method
        """,
        ("--only", "optimizer=coordinate-descent"),
        SWEEPS,
    ),
    "conjugate gradients with another beta": Planted(
        "descent",
        "optbench_optimizers",
        "cg",
        """
        from optbench_descent.cg import cg

        def wrong(**options):
            method = cg(**options)
            directions = method.method.directions
            honest = directions.beta
            directions.beta = lambda move: 0.99 * honest(move)
            return method
        """,
        ("--only", "optimizer=cg"),
        ("CG (2 eigenvalues)", "CG (3 eigenvalues)", "CG (5 eigenvalues)"),
    ),
    "a Hessian that is slightly damped": Planted(
        "newton",
        "optbench_optimizers",
        "newton",
        """
        from optbench_newton.fixed import FixedNewton

        def wrong(*, damping, **others):
            return FixedNewton(1e-7)
        """,
        ("--only", "optimizer=newton"),
        ("Newton (one step)",),
    ),
    "an average with linear weights": Planted(
        "meta",
        "optbench_meta_algorithms",
        "polyak",
        """
        from optbench_meta.polyak import Average, Polyak

        class wrong(Polyak):
            def readout(self):
                return Average(lambda count: 2.0 / (count + 1), start=self.start)
        """,
        ("--only", "meta-algorithm=polyak", "--seeds", "4"),
        AVERAGED,
    ),
    "a stream that repeats itself": Planted(
        "testfunctions",
        "optbench_problems",
        "streaming-least-squares",
        """
        import itertools
        from optbench_testfunctions.streaming import make_streaming_least_squares

        def wrong(**options):
            problem = make_streaming_least_squares(**options)
            honest = problem.batches
            problem.batches = lambda streams: itertools.cycle(list(itertools.islice(honest(streams), 30)))
            return problem
        """,
        ("--only", "meta-algorithm=polyak", "--seeds", "2"),
        AVERAGED,
    ),
}
PLUGIN = """
import dataclasses
import optbench_{plugin}
from optbench.api import hookimpl
{factory}

@hookimpl
def {hook}():
    for record in optbench_{plugin}.{hook}():
        yield dataclasses.replace(record, factory=f"{{__name__}}:wrong") if record.name == "{name}" else record
"""


@pytest.mark.slow
@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED.keys())
def test_a_wrong_method_fails_its_gates_and_no_other(
    planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    fields = {**vars(planted), "factory": textwrap.dedent(planted.factory)}
    Path("planted.py").write_text(PLUGIN.format(**fields), encoding="utf-8")
    code, gates = run(["--plugin", "planted.py", "--block", planted.plugin, *planted.arguments], capsys)
    assert tuple(name for name, gate in gates.items() if not gate["passed"]) == planted.fails
    assert all(gates[name]["measured"] is not None or "not reached" in gates[name]["message"] for name in planted.fails)
    assert code == 1
