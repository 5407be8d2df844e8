"""Stores with little in them, or with something wrong, have a page that says so: from a store to the browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from optbench_reporters.html import HtmlReporter

from optbench.api import UserError
from optbench.cli._plan import Plan
from optbench.cli.report import current_model
from optbench.records import EVENT_COLUMNS, Environment, Status, Trace, TrialRecord, TrialSpec
from optbench.registry import Catalogue, load_catalogue
from optbench.store import ResultKey, Store
from optbench.suites import find_suite

SUITE = """
title = "Small"
budget.evaluations = 100
[[problem]]
use = "rosenbrock"
"""
HERE = Environment(machine="m", system="s", architecture="a", cpu="c", cores=1, memory=1, python="3", libraries={})
EVENTS = Trace.from_columns(
    {name: [1.0, 2.0] for name in EVENT_COLUMNS} | {"value": [24.2, 1e-9], "value_count": [1.0, 20.0]}
)


@dataclass(frozen=True)
class State:
    """What is in a store, and what its page says."""

    says: tuple[str, ...]
    optimizers: tuple[str, ...] = ("lbfgs", "bfgs")
    fields: dict[str, Any] = field(default_factory=dict)  # of each record
    left_out: int = 0  # trials without a result
    newer: int = 0  # results that a newer version wrote


STATES = {
    "failures": State(
        says=("No trial reached any of the accuracies", "SIGSEGV"),
        fields={"status": Status.CRASHED, "message": "SIGSEGV", "f_best": None, "counts": {}, "evaluations": None},
    ),
    "one optimizer": State(says=("1 optimizer × 1 problem × 1 seed",), optimizers=("lbfgs",)),
    "one seed": State(says=("2 optimizers × 1 problem × 1 seed ·",)),  # more would be alike: nothing here is random
    "mixed versions": State(says=("Left out: 1 of the results, which another version of optbench wrote",), newer=1),
    "partly finished": State(says=("Partly finished: 1 of 2 trials have a result",), left_out=1),
}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "results.sqlite") as store:
        yield store


@pytest.fixture
def shown(visit: Callable[..., Any], catalogue: Catalogue, opened: Store, tmp_path: Path) -> Callable[[], str]:
    """Return a function that writes the store's report, opens it, draws everything and returns what it says."""

    def show() -> str:
        HtmlReporter(figures=False)(current_model(catalogue, opened, None, "results.sqlite"), tmp_path / "page")
        page = visit(tmp_path / "page")
        page.evaluate("window.OB.drawAll && OB.drawAll()")
        assert not re.search(r"NaN|undefined|Infinity", page.inner_html("main"))
        return re.sub(r"\s+", " ", page.inner_text("main"))

    return show


@pytest.mark.browser
def test_an_empty_store_says_so(shown: Callable[[], str]) -> None:
    says = shown()
    assert "There is nothing to show yet. No trial has been run." in says
    assert "optbench suite --store results.sqlite" in says


def test_an_empty_store_has_a_page_for_a_suite_that_there_is(catalogue: Catalogue, opened: Store) -> None:
    assert current_model(catalogue, opened, "quick", "results.sqlite").name == "quick"
    with pytest.raises(UserError, match="unknown suite"):
        current_model(catalogue, opened, "nonsense", "results.sqlite")


@pytest.mark.browser
@pytest.mark.parametrize("name", STATES)
def test_the_page_says_what_there_is(
    name: str, shown: Callable[[], str], catalogue: Catalogue, opened: Store, tmp_path: Path
) -> None:
    state = STATES[name]
    file = tmp_path / "small.toml"
    arms = (f'[[optimizer]]\nuse = "{name}"\n' for name in state.optimizers)
    file.write_text(SUITE + "".join(arms))
    suite = find_suite(file, catalogue)
    run = opened.begin_run(suite.to_json(), "optbench suite small", HERE)
    trials = Plan.of(suite, catalogue).plain.trials
    for trial in trials[state.left_out :]:
        record = _record(trial, **state.fields)
        opened.add(run, ResultKey(record.id, "time", "m", "s"), record, {"events": EVENTS})
    with opened._write.begin() as connection:
        newer = f"update results set record = json_set(record, '$.unheard_of', 1) where number <= {state.newer}"
        connection.exec_driver_sql(newer)
    said = shown()
    assert [text for text in state.says if text not in said] == []


def _record(trial: TrialSpec, **fields: Any) -> TrialRecord:
    found = {
        "status": Status.TARGET,
        "size": 2,
        "f0": 24.2,
        "f_best": 1e-9,
        "f_star": 0.0,
        "f_star_source": "exact",
        "counts": {"value": 20},
        "evaluations": 20,
        "seconds": 0.1,
    }
    return TrialRecord(spec=trial, **{**found, **fields})
