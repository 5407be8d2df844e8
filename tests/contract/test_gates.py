"""A suite with gates as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optbench.cli import main

SUITE = """
title = "Gated"
memory = false
budget.steps = 5
[[problem]]
use = "quadratic(n=5, spectrum='clustered', clusters=2)"
[[optimizer]]
use = 'cg(line_search="exact")'
[[gate]]
name = "two steps"
statement = "a step for each eigenvalue"
problem = "quadratic"
optimizer = "cg"
quantity = "steps"
target = "relative:1e-10"
expected = 2
tolerance = 0
"""
WRONG = SUITE.replace("two steps", "one step").partition("[[gate]]")[2].replace("expected = 2", "at_most = 1")


def test_a_failed_gate_is_exit_code_1_and_is_reported_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("gated.toml").write_text(f"{SUITE}[[gate]]{WRONG.replace('tolerance = 0', '')}", encoding="utf-8")
    assert main(["suite", "gated.toml", "--no-report"]) == 1
    printed = capsys.readouterr().out
    assert "1 of 2 gates passed" in printed
    assert "outside of what is allowed" in printed

    assert main(["report", "--json", "--out", "again", "--reporter", "html(figures=false)"]) == 0
    rows = json.loads(capsys.readouterr().out)["gates"]
    assert [(row["name"], row["passed"], row["measured"]) for row in rows] == [
        ("two steps", True, 2.0),
        ("one step", False, 2.0),
    ]
    assert 'id="gates"' in Path("again/index.html").read_text(encoding="utf-8")


def test_a_gate_without_trials_is_told_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("gated.toml").write_text(
        SUITE.replace('problem = "quadratic"', 'problem = "quadratic(n=6)"'), encoding="utf-8"
    )
    assert main(["suite", "gated.toml"]) == 2
    assert "gate[0].problem of 'two steps': given 'quadratic(n=6)'; matches no problem" in capsys.readouterr().err
    assert not Path(".optbench").exists()
