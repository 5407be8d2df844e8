"""Peers in suites: absent libraries are told, and one that raises keeps what it reached."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from optbench.cli import main
from optbench.registry import load_catalogue
from optbench.suites import SuitePlanner, find_suite, load_suite

pytestmark = pytest.mark.usefixtures("warm_servers")

SUITE = """
title = "Peers"
memory = false

[budget]
evaluations = 50

[[problem]]
use = "rosenbrock"

[[optimizer]]
use = "scipy-cg"

[[optimizer]]
use = "nlopt-lbfgs"

[[optimizer]]
use = "torchmin-l-bfgs"
"""

POISONED = """
import math
from optbench.api import FunctionProblem, ProblemPlugin, hookimpl

def value(x):
    return float(x @ x)

def hessian(x):
    import numpy as np
    return np.diag(2 + 12 * x**2)

def make(*, device, dtype, streams):
    asked = []

    def gradient(x):
        asked.append(x)
        return 2 * x if len(asked) < 6 else x * math.nan

    return FunctionProblem(
        size=3, start_point=(3.0, -2.0, 1.0), value=value, gradient=gradient, hessian=hessian, f_star=0.0,
        f_star_source="exact", numpy=True,
    )

@hookimpl
def optbench_problems():
    yield ProblemPlugin(name="poisoned", factory=f"{__name__}:make", summary="x", random=False)
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    file = tmp_path / "peers.toml"
    file.write_text(SUITE)
    return file


def test_peers_whose_library_is_absent_are_skipped_with_what_to_install(
    suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("nlopt", "torchmin"):
        monkeypatch.setitem(sys.modules, module, None)
    catalogue = load_catalogue()
    planner = SuitePlanner(load_suite(suite, catalogue), catalogue)
    assert [trial.optimizer.short for trial in planner.trials] == ["scipy-cg"]
    assert {trial.optimizer.short: reason for trial, reason in planner.refused} == {
        "nlopt-lbfgs": "nlopt-lbfgs needs nlopt, which is not installed: pip install 'optbench[peers]'",
        "torchmin-l-bfgs": "torchmin-l-bfgs needs torchmin, which is not installed: pip install 'optbench[peers]'",
    }


def test_the_shipped_suite_can_be_run_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("nlopt", "torchmin"):
        monkeypatch.setitem(sys.modules, module, None)
    catalogue = load_catalogue()
    spec = find_suite("peers", catalogue)
    planner = SuitePlanner(spec, catalogue)
    able = {trial.optimizer.short for trial in planner.trials}
    assert able >= {"lbfgs", "bfgs", "cg", "newton", "scipy-l-bfgs-b", "scipy-trust-exact", "torch-lbfgs"}
    assert not any(name.startswith(("nlopt", "torchmin")) for name in able)
    assert spec.budget.evaluations == 2000
    assert not spec.budget.targets or set(spec.budget.targets) == set(spec.targets)


def test_one_that_raises_is_scored_at_the_best_point_that_it_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("poison.py").write_text(POISONED)
    trial = ["scipy-trust-exact(radius=0.1)", "poisoned", "--plugin", "poison.py"]
    assert main(["run", *trial, "--budget", "100", "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (found["status"], found["reason"]) == ("error", "ValueError")
    assert "infs or NaNs" in found["message"]
    assert 0 < found["f_best"] < found["f0"]
    assert found["evaluations"] >= 4
    assert len(found["trace"]["rows"]) >= 4
