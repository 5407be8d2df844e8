"""Reporters of plain files: what they hold, and that no name does harm in them."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest
from optbench_reporters.text_files import CsvReporter, JsonReporter, LatexReporter, MarkdownReporter

from optbench.records import Component

EVIL = ("<script>alert(1)</script>", "=HYPERLINK(1)", "../../up", r"\input{/etc/passwd}", "a|b`c*d_e%f")


@pytest.fixture(scope="module")
def model(synthetic):
    return synthetic.full_results().report()


@pytest.fixture(scope="module")
def evil(synthetic):
    results = synthetic.Results()
    for name in EVIL:
        trace = synthetic.events_of([1, 10, 20], [1.0, 1e-4, 1e-9])
        part = Component(name=f"x/{name}", options={"o": name})
        results.add(part, f"y/{name}", trace, f_star=0.0, f_star_source="exact", message=name)
    return replace(results.report(), title=EVIL[0])


def test_csv_has_a_row_for_each_cell_and_target(model, tmp_path):
    written = {path.name: path for path in CsvReporter()(model, tmp_path)}
    rows = list(csv.DictReader(written["cells.csv"].read_text().splitlines()))
    assert len(rows) == len(model.cells) * len(model.targets)
    first = model.cells[0]
    assert rows[0]["hits"] == str(first.hits[0])
    assert float(rows[0]["evaluations_median"]) == first.costs["evaluations"][0][1]
    assert {"results.csv", "failures.csv"} <= set(written)


def test_json_gives_the_report_again(model, tmp_path):
    (path,) = JsonReporter()(model, tmp_path)
    assert type(model).from_json(json.loads(path.read_text())).cells == model.cells


def test_markdown_has_the_ranking_in_order_and_the_failures(model, tmp_path):
    (path,) = MarkdownReporter()(model, tmp_path)
    text = path.read_text()
    labels = {item.id: item.label for item in model.optimizers}
    order = [labels[score.optimizer] for score in model.scores_at("evaluations", 1e-8)]
    places = [text.index(f"| {label.replace('[', chr(92) + '[')} |") for label in order]
    assert places == sorted(places)
    assert "not positive definite" in text
    assert model.command in text


def test_latex_marks_the_least_cost_of_each_problem(model, tmp_path):
    written = {path.name: path.read_text() for path in LatexReporter()(model, tmp_path)}
    table = written["problems.tex"]
    rows = [line for line in table.splitlines() if line.endswith(r"\\") and "&" in line][1:]
    assert len(rows) == len(model.problems)
    assert all(row.count("&") == len(model.optimizers) for row in rows)
    assert all(r"\textbf" in row for row in rows if any(entry.strip(" \\").isdigit() for entry in row.split("&")[1:]))


@pytest.mark.parametrize("reporter", [CsvReporter, JsonReporter, MarkdownReporter, LatexReporter])
def test_no_name_does_harm(evil, tmp_path, reporter):
    folder = tmp_path / "in" / "side"
    written = reporter()(evil, folder)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(written)
    for path in written:
        text = path.read_text()
        if path.suffix == ".md":
            assert "<script" not in text
        if path.suffix == ".tex":
            assert r"\input{" not in text
            assert "<script" not in text
        if path.suffix == ".csv":
            assert not any(cell.startswith(("=", "+", "@")) for row in csv.reader(text.splitlines()) for cell in row)


def test_a_report_without_results_says_so(synthetic, tmp_path):
    empty = synthetic.Results().report()
    (path,) = MarkdownReporter()(empty, tmp_path)
    assert "no results yet" in path.read_text()
    for reporter in (CsvReporter, JsonReporter, LatexReporter):
        reporter()(empty, tmp_path)


def test_no_name_leaves_its_cell_of_a_markdown_table(model, tmp_path):
    first, *others = model.failures
    hostile = replace(first, message="a\\| b $x$ <script> | c\n\n# d")
    (path,) = MarkdownReporter()(replace(model, failures=(hostile, *others), command="optbench `x`\n\n<b>"), tmp_path)
    text = path.read_text(encoding="utf-8")
    (row,) = [line for line in text.splitlines() if "script" in line]
    assert row.endswith(r" a&#92;\| b &#36;x&#36; &lt;script&gt; \| c # d |")
    assert text.endswith("Again: `optbench x <b>`\n")
