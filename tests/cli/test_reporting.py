"""Reports are written where they would differ, and printed with what the suite is about first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from optbench.cli._reporting import build_model, pages, print_model, report_folder, write_reports
from optbench.cli._roles import by_role
from optbench.records import (
    Component,
    Dimension,
    Entry,
    Environment,
    GateResult,
    ReportModel,
    Status,
    SuiteSpec,
    TrialRecord,
    TrialSpec,
    Tuning,
    TuningTask,
    Yardstick,
)
from optbench.registry import Catalogue, load_catalogue
from optbench.store import Store
from optbench.tuning import Choice, TunedArm

PLUGIN = """
from optbench.api import *

class Writes:
    def __call__(self, model, folder):
        folder.mkdir(parents=True, exist_ok=True)
        page = folder / "index.html"
        page.write_text(model.title)
        with (folder / "count").open("a") as file:
            file.write(".")
        return (page,)

@hookimpl
def optbench_reporters():
    yield ReporterPlugin(name="writes", factory=f"{__name__}:Writes", summary="Counts how often it was called.")
"""
ENVIRONMENT = Environment(
    machine="here", system="s", architecture="a", cpu="c", cores=1, memory=1, python="3", libraries={}, load=0.5
)
MODEL = ReportModel(
    name="mine",
    title="Mine",
    created="today",
    command="optbench suite mine",
    environment=ENVIRONMENT,
    budget="no limit",
    seeds=1,
    targets=(1e-8,),
)
Written = Callable[..., int]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Return a function that writes a report unless it is there, and returns how many were written so far."""
    plugin = tmp_path / "writes.py"
    plugin.write_text(PLUGIN, encoding="utf-8")
    catalogue: Catalogue = load_catalogue(plugin_files=[plugin], only=[])

    def write(model: ReportModel = MODEL, *, again: bool = False) -> int:
        assert write_reports(catalogue, model, tmp_path / "report", again=again) == (tmp_path / "report/index.html",)
        return len((tmp_path / "report/count").read_text())

    return write


def test_the_date_and_the_load_of_the_machine_write_nothing_anew(written: Written) -> None:
    assert written() == 1
    assert written(replace(MODEL, created="tomorrow", environment=replace(ENVIRONMENT, load=3.0))) == 1


def test_other_results_another_command_and_another_machine_do(written: Written) -> None:
    written()
    assert written(replace(MODEL, seeds=2)) == 2
    assert written(replace(MODEL, command="optbench suite mine --seeds 1")) == 3
    assert written(replace(MODEL, environment=replace(ENVIRONMENT, machine="there"))) == 4


def test_a_file_that_is_gone_or_edited_does(written: Written, tmp_path: Path) -> None:
    page = tmp_path / "report/index.html"
    written()
    page.unlink()
    assert written() == 2
    page.write_text("edited by hand")
    assert written() == 3
    assert written() == 3


def test_who_asks_for_the_report_gets_it_written(written: Written) -> None:
    written()
    assert written(again=True) == 2


BROKEN = """
from optbench.api import *

def breaks():
    def write(model, folder):
        raise ValueError(f"no {model.title}")
    return write

@hookimpl
def optbench_reporters():
    yield ReporterPlugin(name="a-breaks", factory=f"{__name__}:breaks", summary="Comes first, and fails.")
"""


def test_a_reporter_that_fails_keeps_no_other_one_from_writing(tmp_path: Path) -> None:
    files = [tmp_path / "broken.py", tmp_path / "writes.py"]
    for path, text in zip(files, (BROKEN, PLUGIN), strict=True):
        path.write_text(text, encoding="utf-8")
    catalogue, page = load_catalogue(plugin_files=files, only=[]), tmp_path / "report/index.html"
    failed: list[Exception] = []
    for count in (1, 2):  # what failed is tried again, even if nothing has changed
        assert write_reports(catalogue, MODEL, tmp_path / "report", again=False, failed=failed) == (page,)
        assert len((tmp_path / "report/count").read_text()) == count
    assert [str(error) for error in failed] == ["no Mine", "no Mine"]
    assert "broken/a-breaks" in failed[0].__notes__[0]
    with pytest.raises(ValueError, match="no Mine"):
        write_reports(catalogue, MODEL, tmp_path / "report")


def test_what_tuning_tried_is_no_result_where_a_plugin_is_gone_and_the_report_says_what_it_lacks() -> None:
    method, problem = Component(name="gone/method"), Component(name="gone/problem")
    suite = SuiteSpec(
        name="mine", title="Mine", problems=(Entry(use=problem),), optimizers=(Entry(use=method),), tuning=Tuning()
    )
    scored, tried = (TrialSpec(problem=problem, optimizer=method, seed=seed) for seed in (0, 1_000_000))
    records = [TrialRecord(spec=spec, status=Status.BUDGET) for spec in (scored, tried)]
    found, missing = by_role(suite, load_catalogue(only=[]), records)
    assert [record.spec for record in found.plain] == [scored]
    assert missing == []
    assert "gone/" in found.lost


def test_gates_come_first_and_a_suite_that_ranks_nothing_prints_its_remarks_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    gate = GateResult(name="fast", statement="", quantity="steps", at_most=3.0, measured=2.0, passed=True, trials=())
    model = replace(MODEL, gates=(gate,), notes=("Trust nobody.",))
    print_model(model, ())
    ranked = capsys.readouterr().out
    print_model(replace(model, ranking=False), ())
    unranked = capsys.readouterr().out
    assert ranked.index("1 of 1 gates passed") < ranked.index("solved to a relative gap")
    assert "solved to a relative gap" not in unranked
    assert unranked.splitlines()[-1] == "• Trust nobody."


def test_what_plugins_say_is_told_where_every_trial_is_a_tuned_one(plugin: list[str], tmp_path: Path) -> None:
    catalogue = load_catalogue(plugin_files=[Path(plugin[-1])], only=[])
    method = Component(name="ours/method", options={"beta": "fr", "history": 10, "search": "wolfe(c2=0.9)"})
    spec = TrialSpec(problem=Component(name="ours/valley", options={"depth": 1.0}), optimizer=method)
    space, objective = (Dimension(option="history", scale="linear", low=1, high=9),), Yardstick(name="f")
    task = TuningTask(trial=spec, space=space, seeded=False, select=objective, score=objective)
    choice = Choice(repeat=0, options={"history": 10}, edge=(), course=None)
    arm = TunedArm(task=task, choices=(choice,), scored=((TrialRecord(spec=spec, status=Status.BUDGET, f_best=1.0),),))
    suite = SuiteSpec(
        name="mine",
        title="Mine",
        problems=(Entry(use=spec.problem),),
        optimizers=(Entry(use=method, space=space),),
        tuning=Tuning(untuned=False),
    )
    with Store.open(tmp_path / "results.sqlite") as store:
        model = build_model(
            catalogue, store, suite=suite, records=(), keys={}, environment=ENVIRONMENT, command="", arms=[arm]
        )
    assert [(item.summary, item.kind) for item in model.problems] == [("A valley.", "nonconvex")]
    assert [(item.summary, item.cite) for item in model.optimizers] == [("A method [of ours].", "Somebody (1999)")]


def test_of_a_reports_pages_the_first_one_is_named() -> None:
    written = [Path(name) for name in ("r/problems/p.html", "r/data/cells.js", "r/index.html")]
    assert pages(written) == [Path("r/index.html")]


@pytest.mark.parametrize(
    ("suite", "folder"),
    [
        ("scaling-memory", "scaling-memory"),
        ("My_Suite2", "My_Suite2"),
        ("../../x", "x"),
        ("/etc", "etc"),
        ("..", "unnamed"),
    ],
)
def test_the_name_of_a_suite_leads_out_of_no_folder(suite: str, folder: str) -> None:
    assert report_folder(suite) == Path("reports") / folder
