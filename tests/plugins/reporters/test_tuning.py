"""The tuning section: a table a problem without scripts, the figure's lines, marks of edges."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from optbench_reporters.html import HtmlReporter
from optbench_reporters.tuning_rows import budget_lines, tuning_sections

from optbench.records import ReportModel, TunedCell, TuningAgreement, TuningChoice


def choice(repeat: int, rate: float, edge: tuple[str, ...] = ()) -> TuningChoice:
    return TuningChoice(
        repeat=repeat, options={"lr": rate}, value=0.2, score=0.9, edge=edge, settings=4, trials=4, evaluations=1000
    )


@pytest.fixture
def model(synthetic: Any) -> ReportModel:
    """A report with two tuned optimizers on its first problem; the tunings disagree."""
    plain = synthetic.full_results(seeds=1, problems=2).report()
    (first, second, third, fourth), problem = (item.id for item in plain.optimizers[:4]), plain.problems[0].id
    common = {
        "problem": problem,
        "method": "grid",
        "searched": ("lr 0.001 … 1 (log)",),
        "select": "validation-loss",
        "measure": "test-accuracy",
        "higher_is_better": True,
        "budgets": (1, 2, 4),
    }
    good = TunedCell(
        optimizer=second,
        untuned=first,
        choices=(choice(0, 0.1), choice(1, 0.3, ("lr above",))),
        score=(0.8, 0.9, 0.95),
        untuned_score=(0.4, 0.5, 0.6),
        curve=((None, None, 0.5), (None, 0.7, 0.9), (0.8, 0.9, 0.95)),
        **common,
    )
    failing = TunedCell(
        optimizer=fourth,
        untuned=third,
        choices=(choice(0, 0.1), choice(1, 0.1)),
        score=(None, None, None),
        untuned_score=(None, None, None),
        curve=((None, None, None),) * 3,
        **common,
    )
    agreement = TuningAgreement(
        problem=problem, leaders=((second,), ()), tau=-1.0, alike=False, opposed=((second, fourth),), decided=1, pairs=1
    )
    return replace(plain, tuned=(failing, good), agreements=(agreement,))


def test_lines_begin_with_the_untuned_score_and_leave_out_what_mostly_fails(model: ReportModel) -> None:
    (line,) = budget_lines(model, model.problems[0].id)
    assert (line.optimizer, line.trials) == (1, (0.0, 2.0, 4.0))
    assert line.median == (0.5, 0.7, 0.9)
    assert line.low == (0.4, 0.7, 0.8)  # a failed end stands at the median


def test_the_best_stand_first_and_what_failed_last(model: ReportModel) -> None:
    (section,) = tuning_sections(model)
    assert [row["score"] for row in section["rows"]] == ["0.9", "–"]
    assert section["rows"][0]["chosen"] == "lr=0.1, lr=0.3!"
    assert section["rows"][0]["edge"] == "at the edge in 1 of 2"
    assert section["rows"][1]["chosen"] == "lr=0.1"
    assert section["rows"][0]["trials"] == "8"
    names = [item.label for item in model.optimizers]
    assert f"do not rank their leaders alike: opposite orders of {names[1]} and {names[3]}." in section["agreement"]


@pytest.mark.parametrize(
    ("alike", "decided", "told"),
    [
        (True, 1, "rank their leaders alike: 1 of 1 pairs of leaders are told apart by one of them at least, none the"),
        (None, 0, "tell no two of their leaders apart, by 95 % intervals over seeds."),
    ],
)
def test_agreement_and_what_is_not_known_are_told(
    model: ReportModel, alike: bool | None, decided: int, told: str
) -> None:
    agreement = replace(model.agreements[0], alike=alike, opposed=(), decided=decided, tau=None)
    (section,) = tuning_sections(replace(model, agreements=(agreement,)))
    assert told in section["agreement"]


def test_stored_settings_have_no_cost_and_no_curve(model: ReportModel) -> None:
    stored = replace(model.tuned[1], method="stored", budgets=(), curve=())
    shown = replace(model, tuned=(stored,), agreements=())
    (section,) = tuning_sections(shown)
    assert (section["rows"][0]["trials"], section["agreement"]) == ("–", "")
    assert budget_lines(shown, model.problems[0].id) == []


def test_the_page_shows_the_section_and_the_figure_is_svg(model: ReportModel, tmp_path: Path) -> None:
    written = {path.relative_to(tmp_path).as_posix(): path for path in HtmlReporter()(model, tmp_path)}
    name = f"figures/tuning-{model.problems[0].id}.svg"
    page = written["index.html"].read_text()
    assert f'src="{name}"' in page
    assert 'href="#tuning"' in page
    assert "at the edge in 1 of 2" in page
    texts = {element.text for element in ET.parse(written[name]).iter() if element.tag.endswith("text")}
    assert {"test-accuracy", "trials of tuning; 0: untuned"} <= texts


def test_columns_in_which_nothing_stands_are_left_out(model: ReportModel, tmp_path: Path) -> None:
    stored = tuple(replace(cell, method="stored", budgets=(), curve=(), untuned=None) for cell in model.tuned)
    for cells, there in ((model.tuned, True), (stored, False)):
        HtmlReporter(figures=False)(replace(model, tuned=cells), tmp_path)
        section = (tmp_path / "index.html").read_text().partition('<section id="tuning">')[2].partition("</section>")[0]
        for heading in ("Untuned", "Trials", "Evaluations", "Time"):
            assert (f">{heading}</th>" in section) is there
        assert ("of all tunings together" in section) is there
        headings = section.partition("</thead>")[0].count("<th ")
        row = section.partition("<tbody>")[2].partition("</tr>")[0]
        assert row.count("<th ") + row.count("<td") == headings


@pytest.mark.browser
def test_the_chart_draws_those_lines_and_marks_edges(visit: Any, model: ReportModel, tmp_path: Path) -> None:
    HtmlReporter(figures=False)(model, tmp_path)
    page, chart = visit(tmp_path), f"#tuning-{model.problems[0].id}"
    page.evaluate("OB.drawAll()")
    (line,) = budget_lines(model, model.problems[0].id)
    (drawn,) = page.evaluate(f"document.querySelector('{chart}').spec.series.map(s => [s.x, s.y, s.low, s.high])")
    assert [tuple(numbers) for numbers in drawn] == [line.trials, line.median, line.low, line.high]
    assert page.locator(f"{chart} .dot").count() == 3
    assert page.locator(f"{chart} .dot.hollow").count() == 1  # the untuned optimizer
    assert page.locator(f"{chart} path.end").count() == 1
    assert "✕ 0.9" in page.locator(chart).inner_html()
    page.evaluate("document.querySelector('#tuning details[data-table]').open = true")
    page.locator("#tuning details[data-table] tbody tr").wait_for()
    page.locator(f"{chart} svg").focus()
    page.keyboard.press("ArrowRight")
    assert line.label in page.inner_text("#live")


@pytest.mark.browser
def test_the_section_obeys_the_filters(visit: Any, model: ReportModel, tmp_path: Path) -> None:
    HtmlReporter(figures=False)(model, tmp_path)
    tuned = model.optimizers[1].id
    page = visit(tmp_path, f"#h={tuned}")
    page.evaluate("OB.drawAll()")
    assert "None of the optimizers shown" in page.inner_text(f"#tuning-{model.problems[0].id}")
    assert page.locator("#tuning .tuned tbody tr:visible").count() == 1
    page.locator("#f-kind label", has_text=model.problems[0].kind).click()
    page.evaluate("OB.drawAll()")
    assert page.locator("#tuning .tuned").is_hidden()


def test_a_suite_that_does_not_tune_has_no_such_section(model: ReportModel, tmp_path: Path) -> None:
    HtmlReporter(figures=False)(replace(model, tuned=(), agreements=()), tmp_path)
    assert 'id="tuning"' not in (tmp_path / "index.html").read_text()
