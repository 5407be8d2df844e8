"""`suite`, `run` and `report` as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optbench.cli import main


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


SUITE = """
title = "Two optimizers"
seeds = 2
[budget]
evaluations = 15
[[problem]]
use = "quadratic(n=5)"
[[problem]]
use = "rosenbrock"
[[optimizer]]
use = "lbfgs"
[[optimizer]]
use = "bfgs"
"""


def test_a_suite_runs_once_is_reused_and_is_reported_again(capsys: pytest.CaptureFixture[str]) -> None:
    Path("two.toml").write_text(SUITE)

    codes = [main(["suite", "two.toml", "--json"])]
    first = json.loads(capsys.readouterr().out)
    codes.append(main(["suite", "two.toml", "--json"]))
    second = json.loads(capsys.readouterr().out)
    codes.append(main(["report", "--out", "again", "--reporter", "html(figures=false)"]))
    printed = capsys.readouterr().out

    assert codes == [0, 0, 0]
    assert (first["suite"], first["ran"], first["reused"], sum(first["trials"].values())) == ("two", 4, 0, 4)
    assert (second["ran"], second["reused"]) == (0, 4)
    assert second["results"] == first["results"]
    assert all(row["state_bytes"] > 0 and row["peak_live_bytes"] > 0 for row in first["results"])
    assert all(row["evaluations"] <= 15 for row in first["results"])
    assert Path("reports/two/index.html").exists()
    assert Path("again/index.html").exists()
    assert "again/index.html" in printed


def test_the_same_run_gives_the_same_trace_but_for_the_time_columns(capsys: pytest.CaptureFixture[str]) -> None:
    runs = []
    for _ in range(2):
        assert main(["run", "lbfgs", "rosenbrock", "--budget", "30", "--json"]) == 0
        runs.append(json.loads(capsys.readouterr().out)["trace"])

    kept = [index for index, name in enumerate(runs[0]["columns"]) if name not in {"seconds", "cpu_seconds"}]
    first, second = ([[row[index] for index in kept] for row in run["rows"]] for run in runs)
    assert len(first) == 30
    assert first == second


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "lbfsg", "rosenbrock"], "nearest: lbfgs"),
        (["run", "lbfgs", "rosenbrok"], "nearest: rosenbrock"),
        (["run", "lbfgs", "rosenbrock", "--device", "tpu"], "tpu"),
        (["run", "lbfgs", "rosenbrock", "--budget", "soon"], "soon"),
        (["run", "lbfgs", "rosenbrock", "--device", "cuda:9"], "no device 'cuda:9'"),
        (["run", "sgd + pretrain-greedy", "quadratic"], "blocks"),
        (["suite", "quik"], "quick"),
        (["suite", "smoke", "--store", "postgresql://here/there"], "postgresql"),
        (["suite", "smoke", "--only", "optimizer=nothing"], "nothing"),
        (["suite", "smoke", "--device", "cuda:9"], "--device cuda:9: no such device"),
        (["suite", "smoke", "--plugin", "missing.py"], "missing.py"),
        (["report"], "optbench suite"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(arguments)

    said = capsys.readouterr().err.strip().splitlines()
    assert code == 2
    assert len(said) == 1
    assert message in said[0]


ARMS = """
title = "Starts"
seeds = 1
arms = ["weights"]
memory = false
metrics = ["test-accuracy"]
budget = {evaluations = 4}

[[problem]]
use = "mlp-digits(hidden=[4])"
grid.weights = ["he", "gaussian(std=0.5)"]

[[optimizer]]
use = "sgd"
"""


def test_a_suite_whose_arms_are_options_of_problems_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "starts.toml").write_text(ARMS)
    assert main(["suite", str(tmp_path / "starts.toml"), "--out", str(tmp_path / "report")]) == 0
    shown = capsys.readouterr().out
    page = (tmp_path / "report" / "index.html").read_text()
    for arm in ("he", "gaussian(std=0.5)"):
        assert arm in shown
        assert arm in page
