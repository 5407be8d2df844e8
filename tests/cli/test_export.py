"""`optbench export`: what comes back from the files."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from optbench.cli import main

Write = Callable[..., str]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_results_and_curves_come_back(write: Write, kind: str, capsys: pytest.CaptureFixture[str]):
    assert main(["export", kind, "--store", write("a.sqlite", state_bytes=80), "--out", "out", "--json"]) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert sorted(files) == [f"out/events.{kind}", "out/run.json", f"out/trials.{kind}"]
    read = pd.read_parquet if kind == "parquet" else pd.read_csv
    trials, events = read(f"out/trials.{kind}"), read(f"out/events.{kind}")
    assert len(trials) == 24
    assert set(trials["state_bytes"]) == {80}
    assert len(events) == 48
    assert set(events["id"]) == set(trials["id"])
    assert sorted(set(events["value"])) == [1e-7, 1.0]
    assert trials.groupby("arm")["evaluations_to_relative:1e-05"].max().to_dict() == {"gone/one": 91, "gone/two": 91}
    assert set(trials["task"]) == {f"gone/p{index}" for index in range(6)}
    about = json.loads(Path("out/run.json").read_text())
    assert (about["suite"]["name"], about["environment"]["machine"]) == ("mine", "here")


def test_the_run_is_chosen_by_number_or_suite(write: Write, capsys: pytest.CaptureFixture[str]):
    write("a.sqlite", state_bytes=1)
    write("a.sqlite", state_bytes=2)
    for arguments, expected in ((["--run", "1"], 1), (["--suite", "mine"], 2), ([], 2)):
        assert main(["export", "csv", "--store", "a.sqlite", "--out", "out", *arguments]) == 0
        assert {
            float(row["state_bytes"]) for row in csv.DictReader(Path("out/trials.csv").read_text().splitlines())
        } == {expected}
    assert main(["export", "csv", "--store", "a.sqlite", "--run", "9"]) == 2
    assert main(["export", "csv", "--store", "a.sqlite", "--run", "1", "--suite", "mine"]) == 2
    assert main(["export", "csv", "--store", "none.sqlite"]) == 2
    assert main(["export", "xls", "--store", "a.sqlite"]) == 2


def test_a_name_is_no_formula(write: Write):
    store = write("a.sqlite", arms=("one",), family="=HYPERLINK(1)")
    assert main(["export", "csv", "--store", store, "--out", "out"]) == 0
    rows = list(csv.DictReader(Path("out/trials.csv").read_text().splitlines()))
    assert {row["optimizer"] for row in rows} == {"'=HYPERLINK(1)/one"}


def test_files_of_something_else_are_left_alone_and_an_earlier_export_is_replaced(
    write: Write, capsys: pytest.CaptureFixture[str]
):
    arguments = ["export", "csv", "--store", write("a.sqlite"), "--out", "mine"]
    Path("mine").mkdir()
    Path("mine/trials.csv").write_text("a,b\n")
    for about in (None, "[]", '{"run": 1}'):
        if about:
            Path("mine/run.json").write_text(about)
        assert main(arguments) == 2
        assert "trials.csv of something else" in capsys.readouterr().err
        assert Path("mine/trials.csv").read_text() == "a,b\n"
    for name in ("run.json", "trials.csv"):
        Path("mine", name).unlink()
    assert main(arguments) == main(arguments) == 0
