"""A suite that names a pair, as a user runs it: the same comparison in the terminal, as JSON and from the store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optbench.cli import main

PAGE = ("--reporter", "html(figures=false)")
SUITE = """
title = "Pair"
memory = false
targets = ["relative:1e-06", "gradient:1e-06"]
budget.evaluations = 100
[[problem]]
use = "quadratic(condition=10.0)"
grid.n = [5, 10]
[[optimizer]]
use = "lbfgs"
[[optimizer]]
use = 'gradient-descent(line_search="armijo")'
[[compare]]
first = "lbfgs"
second = "gradient-descent"
min_size = 10
[[compare]]
first = "lbfgs"
second = "gradient-descent"
targets = ["relative:1e-06"]
"""


def test_pairs_are_compared_in_every_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pair.toml").write_text(SUITE)

    assert main(["suite", "pair.toml", "--json", "--no-report"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main(["report", *PAGE]) == 0
    printed = capsys.readouterr().out
    assert main(["report", "--json", *PAGE]) == 0
    again = json.loads(capsys.readouterr().out)

    rows = first["comparisons"]
    assert [(row["test"], row["min_size"], row["problems"]) for row in rows] == [
        ("relative:1e-06", 10, 1),
        ("gradient:1e-06", 10, 1),
        ("relative:1e-06", 1, 2),
    ]
    costs = {
        (row["optimizer"].rpartition("/")[2], row["size"]): row["evaluations_to_target"]["relative:1e-06"]
        for row in first["results"]
    }
    ratios = [costs["lbfgs", n] / costs["gradient-descent", n] for n in (5, 10)]
    assert rows[0]["ratio"] == pytest.approx(ratios[1])
    assert rows[2]["ratio"] == pytest.approx((ratios[0] * ratios[1]) ** 0.5)
    assert {(row["optimizer"], row["test"]): row["solved"] for row in first["solved"]}["lbfgs", "relative:1e-06"] == 2
    assert again["comparisons"] == rows
    assert "Pair: pairs" in printed
    assert f"{rows[0]['ratio']:.3f}" in printed
    assert 'id="pairs"' in (tmp_path / "reports" / "pair" / "index.html").read_text()
