"""A suite that tunes, as a user runs it: tuned rows beside untuned ones, the same from the store, stored settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from optbench.cli import main

SUITE = """
title = "Tuned"
memory = false
targets = ["relative:1e-06"]
budget.evaluations = 400
budget.targets = ["relative:1e-06"]
[tuning]
trials = 14
repeats = 2
method = "random"
select = "relative:1e-06"
[[problem]]
use = "quadratic(n=10, condition=10.0)"
[[optimizer]]
use = "gradient-descent"
[[optimizer]]
use = "sgd(momentum=0.5)"
[[optimizer]]
use = "lbfgs"
tune = false
"""
STORED = """
title = "Quick"
memory = false
targets = ["relative:1e-06"]
budget.evaluations = 300
[tuning]
stored = "found.toml"
select = "relative:1e-06"
[[problem]]
use = "quadratic(n=10, condition=10.0)"
[[optimizer]]
use = "gradient-descent"
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.chdir(tmp_path)
    Path("tuned.toml").write_text(SUITE)
    Path("quick.toml").write_text(STORED)

    def execute(*arguments: str) -> Any:
        assert main(list(arguments)) == 0
        printed = capsys.readouterr().out
        return json.loads(printed) if "--json" in arguments else printed

    return execute


@pytest.mark.slow
def test_a_rate_is_tuned_scored_reported_and_stored(run: Any) -> None:
    first = run("suite", "tuned.toml", "--json")
    tuned = [row for row in first["results"] if row["tuning"]]
    untuned = next(
        row for row in first["results"] if row["optimizer"].endswith("/gradient-descent") and not row["tuning"]
    )
    target = "relative:1e-06"
    assert first["ran"] >= 2 * 2 * 14
    assert len(first["results"]) == 3 + 2 * 2
    best = min(row["evaluations_to_target"][target] for row in tuned)
    assert untuned["evaluations_to_target"][target] is None
    assert best < 100
    for row in tuned:
        assert row["options"]["lr"] == row["tuning"]["options"]["lr"]
        assert row["tuning"]["trials"] == 14
        assert row["tuning"]["evaluations"] > 0

    (gradient_descent, _) = first["tuning"]
    assert [len(choice["tried"]) for choice in gradient_descent["choices"]] == [14, 14]
    lowest = min(try_["value"] or 999 for try_ in gradient_descent["choices"][0]["tried"])
    assert gradient_descent["choices"][0]["value"] == lowest
    assert gradient_descent["untuned_score"] == [None, None, None]
    assert gradient_descent["budgets"][-1] == 14
    medians = [median for _, median, _ in gradient_descent["curve"] if median is not None]
    assert medians == sorted(medians, reverse=True)

    again = run("suite", "tuned.toml", "--json", "--no-report")
    assert (again["ran"], again["results"]) == (0, first["results"])
    assert again["tuning"] == first["tuning"]
    assert run("report", "--json")["tuning"] == first["tuning"]
    assert "gradient-descent(lr=tuned)" in run("report")

    run("tuned", "tuned", "--out", "found.toml")
    quick = run("suite", "quick.toml", "--json", "--no-report")
    scored = next(row for row in quick["results"] if row["tuning"])
    chosen = min(gradient_descent["choices"], key=lambda choice: choice["value"])
    assert scored["options"]["lr"] == chosen["options"]["lr"]
    assert scored["tuning"]["method"] == "stored"
    assert len(quick["results"]) == 2

    off = run("suite", "tuned.toml", "--json", "--no-report", "--tuning", "off")
    assert [row["optimizer"].rpartition("/")[2] for row in off["results"]] == ["gradient-descent", "sgd", "lbfgs"]
