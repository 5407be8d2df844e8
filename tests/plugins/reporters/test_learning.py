"""The learning section: a figure a problem with data, a row a metric."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from optbench_reporters.figures.style import LABEL_LENGTH, whole
from optbench_reporters.html import HtmlReporter
from optbench_reporters.learnt import LETTERS, learnt_matrices

from optbench.records import LearningCurve, ReportModel


@pytest.fixture
def model(synthetic: Any) -> ReportModel:
    """A report whose first and third optimizers have two metrics on its second problem."""
    plain = synthetic.full_results(seeds=1, problems=2).report()
    curves = tuple(
        LearningCurve(
            optimizer=plain.optimizers[index].id,
            problem=plain.problems[1].id,
            metric=metric,
            examples=(10.0, 100.0),
            seconds=(0.1, None),
            median=(0.5, 0.9 + 0.01 * index),
            low=(0.4, None),
            high=(0.6, 0.95),
        )
        for index in (0, 2)
        for metric in ("test-accuracy", "train-<b>loss")
    )
    return replace(plain, learning=curves)


def test_each_problem_with_data_has_a_figure_of_its_metrics(model: ReportModel, tmp_path: Path) -> None:
    problem = model.problems[1].id
    HtmlReporter()(model, tmp_path)
    page, figure = (tmp_path / "index.html").read_text(), tmp_path / "figures" / f"learning-{problem}.svg"
    assert f'<noscript><img src="figures/{figure.name}"' in page
    assert {path.name for path in tmp_path.glob("figures/learning-*.svg")} == {figure.name}
    texts = {item.text for item in ET.parse(figure).iter() if item.tag.endswith("text")}
    labels = {model.optimizers[index].label for index in (0, 2)}
    assert {"test-accuracy", "train-<b>loss", "examples seen", "seconds", *labels} <= texts


@pytest.mark.browser
def test_the_explorer_draws_a_metric_over_examples_or_seconds(visit: Any, model: ReportModel, tmp_path: Path) -> None:
    HtmlReporter(figures=False)(model, tmp_path)
    page = visit(tmp_path)  # its first problem has no such curves, so that the explorer shows the second
    page.evaluate("OB.drawAll()")
    read = "document.getElementById('learn').spec.series.map(s => [s.name, s.x, s.y, s.low])"
    labels = [model.optimizers[index].label for index in (0, 2)]
    assert page.evaluate(read) == [
        [label, [10, 100], [0.5, end], [0.4, None]] for label, end in zip(labels, (0.9, 0.92), strict=True)
    ]
    page.select_option("#f-metric", "train-<b>loss")
    page.locator("#f-over label", has_text="seconds").click()
    page.evaluate("OB.drawAll()")
    assert page.evaluate("document.getElementById('learn').spec.y.label") == "train-<b>loss"
    assert page.evaluate(read)[0][1] == [0.1, None]
    assert page.locator("#learn b").count() == 0
    before = page.evaluate(read)
    page.reload()
    page.evaluate("OB.drawAll()")
    assert page.evaluate(read) == before
    page.evaluate("document.querySelector('details[data-table=learn]').open = true")
    page.locator("details[data-table=learn] tbody tr").nth(1).wait_for()


@pytest.mark.browser
def test_the_explorer_says_where_nothing_is_known(visit: Any, model: ReportModel, tmp_path: Path) -> None:
    HtmlReporter(figures=False)(model, tmp_path)
    hidden = ",".join(model.optimizers[index].id for index in (0, 2))
    page = visit(tmp_path, f"#h={hidden}&k=beauty&e=weeks")
    page.evaluate("OB.drawAll()")
    assert page.inner_text("#learn") == "test-accuracy of the optimizers shown is not known."
    page.locator("#f-kind label", has_text=model.problems[1].kind).click()
    page.evaluate("OB.drawAll()")
    assert page.inner_text("#learn") == "None of the problems shown has metrics over examples."


def learnt(plain: ReportModel, ends: Any, *, rising: bool) -> ReportModel:
    """Return a report whose metric ended so, by problem and by optimizer; None where it diverged."""
    curves = (
        LearningCurve(
            optimizer=plain.optimizers[optimizer].id,
            problem=plain.problems[problem].id,
            metric="score",
            examples=(10.0,),
            seconds=(0.1,),
            median=(end,),
            low=(end,),
            high=(end,),
            rising=rising,
        )
        for problem, row in enumerate(ends)
        for optimizer, end in row.items()
    )
    return replace(plain, learning=tuple(curves))


@pytest.mark.parametrize("rising", [True, False])
def test_a_matrix_tells_where_each_ended_the_best_of_a_problem_the_darkest(synthetic: Any, rising: bool) -> None:
    plain = synthetic.full_results(seeds=1, problems=2).report()
    (matrix,) = learnt_matrices(learnt(plain, [{0: 0.5, 1: 0.98765, 2: 0.5}, {1: 3.0, 4: None}], rising=rising))
    assert matrix["better"] == ("higher" if rising else "lower")
    assert [item["label"] for item in matrix["optimizers"]] == [plain.optimizers[index].label for index in (0, 1, 2, 4)]
    first, second = (row["cells"] for row in matrix["rows"])
    assert [cell["text"] for cell in first] == ["0.5", "0.988", "0.5", ""]
    assert [cell["shade"] for cell in first] == ([2, 0, 2, None] if rising else [0, 4, 0, None])
    assert [cell["text"] for cell in second] == ["", "3", "", "–"]


def test_long_headings_of_a_matrix_keep_their_ends_and_its_height_is_bounded(synthetic: Any) -> None:
    plain = synthetic.full_results(seeds=1, problems=1).report()
    first, second, *rest = plain.optimizers
    long = "coordinate-descent + path(values=[0.9, 0.7, 0.55], start="
    named = (replace(first, label=f"{long}warm)"), replace(second, label=f"{long}cold)"), *rest)
    (matrix,) = learnt_matrices(learnt(replace(plain, optimizers=named), [{0: 0.5, 1: 0.25}], rising=False))
    labels = [item["label"] for item in matrix["optimizers"]]
    assert [(len(label), label[:10], label[-5:]) for label in labels] == [
        (LETTERS, "coordinate", "warm)"),
        (LETTERS, "coordinate", "cold)"),
    ]
    assert matrix["head"] < 190


def test_a_legend_cuts_no_name_that_fits_into_lines() -> None:
    name = "sgd(lr=tuned, momentum=0.9, nesterov=true) + batch-norm(affine=false) + polyak"
    lines = whole(name).split("\n")
    assert " ".join(line.strip() for line in lines) == name
    assert max(map(len, lines)) <= LABEL_LENGTH
