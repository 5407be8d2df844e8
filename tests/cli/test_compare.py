"""`optbench compare` on stores that are written here, and `optbench list runs`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from optbench.api import UserError
from optbench.cli import main
from optbench.cli._sides import Results, of_optimizer
from optbench.records import Component, Side, Status, SuiteSpec, TrialRecord, TrialSpec
from optbench.store import Store

Write = Callable[..., str]


def test_a_regression_fails_the_gate_and_is_told_with_its_interval(write: Write, capsys: pytest.CaptureFixture[str]):
    stores = write("a.sqlite"), write("b.sqlite", 1.1)
    assert main(["compare", *stores]) == 0
    assert "worse" in capsys.readouterr().out
    assert main(["compare", *stores, "--fail-on", "regression", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    worse, same = found["effects"]
    assert (worse["optimizer"], worse["outcome"], same["outcome"]) == ("one", "worse", "same")
    assert worse["low"] <= 1.1 + 1e-9
    assert worse["high"] >= 1.1 - 1e-9
    assert worse["low"] > 1.05
    assert found["failed"]


def test_a_published_shard_is_a_side_and_an_edited_one_is_refused(write: Write, capsys: pytest.CaptureFixture[str]):
    assert main(["publish", "site", "--store", write("a.sqlite"), "--json"]) == 0
    (name,) = json.loads(capsys.readouterr().out)["added"]
    shard = Path("site/shards") / name
    assert main(["compare", str(shard), write("b.sqlite", 1.1), "--fail-on", "regression", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [row["outcome"] for row in found["effects"]] == ["worse", "same"]
    assert main(["compare", "b.sqlite", f"{shard}/", "--fail-on", "regression"]) == 0
    with (shard / "trials.parquet").open("ab") as file:
        file.write(b" ")
    capsys.readouterr()
    assert main(["compare", str(shard), "b.sqlite"]) == 2
    assert name in capsys.readouterr().err


def test_what_got_better_passes_the_gate(write: Write, capsys: pytest.CaptureFixture[str]):
    assert main(["compare", write("a.sqlite", 1.1), write("b.sqlite"), "--fail-on", "regression"]) == 0
    assert "better" in capsys.readouterr().out


def test_runs_of_one_store_are_compared_by_their_numbers(write: Write, capsys: pytest.CaptureFixture[str]):
    write("a.sqlite")
    write("a.sqlite", 2.0)
    assert main(["list", "runs", "--store", "a.sqlite", "--json"]) == 0
    assert [row["run"] for row in json.loads(capsys.readouterr().out)] == [2, 1]
    assert main(["compare", "1", "2", "--store", "a.sqlite", "--fail-on", "regression"]) == 1
    assert main(["compare", "a.sqlite#2", "a.sqlite#1", "--fail-on", "regression"]) == 0


def test_optimizers_of_one_run_are_compared(write: Write, capsys: pytest.CaptureFixture[str]):
    write("a.sqlite", 3.0)
    assert main(["compare", "two", "gone/one", "--store", "a.sqlite", "--json"]) == 0
    (effect,) = json.loads(capsys.readouterr().out)["effects"]
    assert (effect["optimizer"], effect["ratio"]) == ("two → gone/one", pytest.approx(3.0))


def test_a_run_is_named_once_where_its_optimizers_are_compared(write: Write, capsys: pytest.CaptureFixture[str]):
    write("a.sqlite", 3.0)
    assert main(["compare", "two", "one", "--store", "a.sqlite"]) == 0
    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith("run: a.sqlite#1, suite mine, ")
    assert not any(line.startswith(("before: ", "after: ")) for line in others)
    assert [line.strip() for line in others if "a.sqlite#1" in line] == ["a.sqlite#1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("onee", "'onee' is no optimizer of the run; nearest: one; or name two stores"),
        ("xyz", '\'xyz\' is no optimizer of the run; it has "one", "two"; or name two stores'),
        ("one(lr=tuned)", 'allowed: "one", "two"'),
    ],
)
def test_a_misspelt_optimizer_gets_the_nearest_name_as_tables_show_it(
    write: Write, capsys: pytest.CaptureFixture[str], text: str, message: str
):
    assert main(["compare", text, "two", "--store", write("a.sqlite")]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_an_optimizer_may_be_called_what_tables_call_it():
    parts = (Component(name="x/method", options={"lr": "tuned"}), Component(name="x/method", options={"lr": 0.1}))
    specs = [TrialSpec(problem=Component(name="p/one"), optimizer=part) for part in parts]
    records = [TrialRecord(spec=spec, status=Status.TARGET) for spec in specs]
    suite = SuiteSpec(name="mine", title="", problems=(), optimizers=())
    side = Side(title="", suite="mine", started="", machine="", commit="")
    run = Results(side=side, spec=suite, records=records, machine="")
    assert of_optimizer("method(lr=tuned)", run, {}) == records[:1]
    assert of_optimizer("method(lr=0.1)", run, {}) == records[1:]
    with pytest.raises(UserError, match=r"two\.sqlite#1 has no results"):
        of_optimizer("method", replace(run, records=[], side=replace(side, title="two.sqlite#1")), {})
    with pytest.raises(UserError, match=r'several of the run.*"method\(lr=tuned\)", "method\(lr=0.1\)"'):
        of_optimizer("method", run, {})


def test_what_only_one_side_has_is_told_and_may_fail(write: Write, capsys: pytest.CaptureFixture[str]):
    stores = write("a.sqlite"), write("b.sqlite", arms=("two", "three"))
    assert main(["compare", *stores, "--fail-on", "regression"]) == 0
    out = capsys.readouterr().out
    assert "one: only before" in out
    assert "three: only after" in out
    assert main(["compare", *stores, "--fail-on", "missing"]) == 1


def test_an_optimizer_that_fails_or_is_skipped_everywhere_does_not_pass_the_gate(write: Write):
    stores = write("a.sqlite"), write("errors.sqlite"), write("skipped.sqlite")
    for name, status in zip(stores[1:], (Status.ERROR, Status.SKIPPED), strict=True):
        with Store.open(name) as store:
            keys = store.run_keys(1)
            for key, record in store.get(keys).items():
                if record.spec.optimizer.name == "gone/one":
                    store.add(1, key, TrialRecord(spec=record.spec, status=status, message="why", reason="why"))
    assert main(["compare", *stores[:2], "--fail-on", "regression"]) == 1
    assert main(["compare", stores[0], stores[2], "--fail-on", "regression"]) == 0
    assert main(["compare", stores[0], stores[2], "--fail-on", "missing"]) == 1


def test_times_of_two_machines_are_not_compared(write: Write, capsys: pytest.CaptureFixture[str]):
    stores = write("a.sqlite"), write("b.sqlite", machine="there")
    arguments = ["compare", *stores, "--measure", "seconds", "--measure", "evaluations", "--json"]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert {effect["measure"] for effect in found["effects"]} == {"evaluations"}
    assert "machines" in found["notes"][0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.sqlite", "none.sqlite"], "no store at"),
        (["a.sqlite#7", "a.sqlite"], "no run 7"),
        (["a.sqlite#x", "a.sqlite"], "run 'x'"),
        (["a.sqlite", "lbfgs"], "two of a kind"),
        (["lbfgs", "one", "--store", "a.sqlite"], "no optimizer of the run"),
        (["o(", "one", "--store", "a.sqlite"], "brackets"),
        (["a.sqlite", "a.sqlite", "--measure", "speed"], "allowed: evaluations, seconds, state_bytes"),
        (["a.sqlite", "a.sqlite", "--target", "relative:1"], "allowed: relative:1e-05"),
        (["a.sqlite", "a.sqlite", "--suite", "other"], "no run of other"),
        (["a.sqlite", "a.sqlite", "--margin", "0.5"], "0.5"),
        (["a.sqlite", "a.sqlite", "--margin", "nan"], "at least 1"),
        (["1", "99999999999999999999", "--store", "a.sqlite"], "no run 99999999999999999999"),
        (["a.sqlite", "a.sqlite", "--measure", "state_bytes"], "no results in common"),
    ],
)
def test_mistakes_get_one_line_and_exit_code_2(
    write: Write, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
):
    write("a.sqlite")
    assert main(["compare", *arguments]) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert "\n" not in error
    assert not Path("none.sqlite").exists()
