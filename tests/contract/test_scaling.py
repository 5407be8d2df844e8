"""A suite that sweeps a size, as a user runs it: exponents, verdicts, projected sizes, and the same from the store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from optbench.cli import main

PLANTED = """
from types import SimpleNamespace

from optbench.api import OptimizerPlugin, hookimpl


class KeepsMatrix:
    def init(self, oracle, start):
        n = start.numel()
        return SimpleNamespace(point=start.clone(), finished=None, matrix=start.new_zeros(n, n))

    def step(self, oracle, state):
        state.point = state.point - 0.1 * oracle.gradient(state.point)
        return state


@hookimpl
def optbench_optimizers():
    yield OptimizerPlugin(name="planted", factory=f"{__name__}:KeepsMatrix", summary="Declares O(n), keeps a matrix.")
"""
SUITE = """
title = "Sweep"
budget.steps = 2
[scaling]
project = [100000]
[[problem]]
use = "quadratic"
grid.n = [500, 1000, 2000]
[[optimizer]]
use = "newton"
[[optimizer]]
use = "gradient-descent"
[[optimizer]]
use = "planted"
"""


@pytest.mark.slow
def test_a_sweep_shows_exponents_and_catches_what_keeps_more_than_it_declares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("planted.py").write_text(PLANTED)
    Path("sweep.toml").write_text(SUITE)

    assert main(["suite", "sweep.toml", "--plugin", "planted.py", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main(["suite", "sweep.toml", "--plugin", "planted.py", "--json", "--no-report"]) == 0
    second = json.loads(capsys.readouterr().out)
    assert main(["report", "--plugin", "planted.py"]) == 0
    printed = capsys.readouterr().out
    assert main(["report", "--plugin", "planted.py", "--json"]) == 0
    stored = json.loads(capsys.readouterr().out)

    rows = {(row["optimizer"].rpartition("/")[2], row["quantity"]): row for row in first["scaling"]}
    assert rows["newton", "peak_live_bytes"]["low"] > 1.95
    assert rows["newton", "peak_live_bytes"]["high"] < 2.05
    assert rows["newton", "peak_live_bytes"]["verdict"] == "as declared"
    assert rows["gradient-descent", "peak_live_bytes"]["exponent"] == pytest.approx(1, abs=0.05)
    assert rows["planted", "state_bytes"]["verdict"] == "above declared"
    assert rows["planted", "peak_live_bytes"]["verdict"] == "above declared"
    assert projected(first)["newton/newton", "state_bytes"] == pytest.approx(8e10, rel=0.01)
    for again in (second, stored):
        assert (again["scaling"], again["scaling_points"]) == (first["scaling"], first["scaling_points"])
    assert "above O(n)" in printed
    assert "80 GB at 100k" in printed
    newton = next(row for row in first["results"] if row["optimizer"] == "newton/newton" and row["size"] == 2000)
    assert newton["peak_process_bytes"] == pytest.approx(newton["peak_live_bytes"], rel=0.1)


def projected(printed: dict[str, Any]) -> dict[tuple[str, str], int]:
    points = [point for point in printed["scaling_points"] if point["projected"]]
    return {(point["optimizer"], point["quantity"]): point["value"] for point in points}
