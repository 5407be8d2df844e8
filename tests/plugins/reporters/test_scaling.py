"""Memory against size: the figure's files, the table without scripts, the chart in a browser."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from optbench_reporters.html import HtmlReporter
from optbench_reporters.scaling_lines import scaling_lines, scaling_rows

from optbench.records import ReportModel, ScalingFit, ScalingPoint


def point(arm, quantity, size, size_in_bytes, *, projected=False) -> ScalingPoint:
    return ScalingPoint(
        optimizer=arm,
        name=f"x/{arm}",
        problem="x/p",
        device="cpu",
        dtype="float64",
        quantity=quantity,
        size=size,
        value=size_in_bytes,
        projected=projected,
    )


def fit(arm, quantity, exponent, verdict="as declared") -> ScalingFit:
    return ScalingFit(
        optimizer=arm,
        name=f"x/{arm}",
        options={},
        problem="x/p",
        device="cpu",
        dtype="float64",
        quantity=quantity,
        exponent=exponent,
        low=exponent,
        high=exponent,
        top_octave=exponent,
        points=2,
        declared="O(n)",
        declared_exponent=1.0,
        verdict=verdict,
    )


@pytest.fixture(scope="module")
def model(synthetic) -> ReportModel:
    """A report whose first optimizer keeps a matrix, whose second keeps nothing, and whose third is foreign."""
    plain = synthetic.full_results(seeds=1, problems=2).report()
    first, second, third = (item.id for item in plain.optimizers[:3])
    state = [point(first, "state_bytes", n, 8 * n * n, projected=n > 1000) for n in (100, 1000, 10**6)]
    peak = [point(first, "peak_live_bytes", n, 16 * n * n) for n in (100, 1000)]
    process = [point(first, "peak_process_bytes", 1000, 17 * 10**6)]
    none = [point(second, "state_bytes", n, 0) for n in (100, 1000)]
    foreign = [point(third, "peak_process_bytes", n, 100 * n) for n in (100, 1000)]
    fits = (
        fit(first, "state_bytes", 2.0, "above declared"),
        fit(first, "peak_live_bytes", 2.0, "above declared"),
        fit(second, "state_bytes", 0.0, "below declared"),
        fit(third, "peak_process_bytes", 1.0),
    )
    return replace(plain, scaling=fits, scaling_points=(*state, *peak, *process, *none, *foreign))


@pytest.fixture(scope="module")
def timed(model) -> ReportModel:
    """The same with seconds a step of the first optimizer, in doubt at 100 parameters."""
    first = model.optimizers[0].id
    steps = [point(first, "step_seconds", n, 1e-6 * n) for n in (100, 1000)]
    steps[0] = replace(steps[0], doubted=True)
    fits = (*model.scaling, fit(first, "step_seconds", 1.25))
    return replace(model, scaling=fits, scaling_points=(*model.scaling_points, *steps))


@pytest.fixture(scope="module")
def folder(timed, tmp_path_factory) -> Path:
    """The report of a suite that ranks nothing: its figures are those of memory and of time alone."""
    path = tmp_path_factory.mktemp("sweep")
    HtmlReporter()(replace(timed, ranking=False), path)
    return path


def test_lines_hold_measured_points_first_and_the_process_beside_what_is_exact(model) -> None:
    lines = {(line.label, line.panel): line for line in scaling_lines(model)}
    first, second, third = (item.label for item in model.optimizers[:3])
    third += " (process)"

    assert set(lines) == {(first, "state"), (first, "peak"), (second, "state"), (third, "peak")}
    assert lines[second, "state"].sizes == ()  # zeros have no place on a logarithmic axis
    assert (lines[first, "state"].sizes, lines[first, "state"].measured) == ((100, 1000, 10**6), 2)
    assert lines[first, "peak"].marks == ((1000, 17 * 10**6),)
    assert lines[third, "peak"].marks == ()
    assert [line.label for line in lines.values() if line.process] == [third]


def test_a_line_beneath_another_is_known_and_one_beside_it_not(model) -> None:
    first, second, third = (item.id for item in model.optimizers[:3])
    same = [point(second, "state_bytes", n, 8 * n * n + n) for n in (100, 1000)]
    beside = [point(third, "state_bytes", n, 9 * n * n) for n in (100, 1000)]
    own = [point(first, "state_bytes", n, 8 * n * n) for n in (100, 1000, 2000)]
    fits = tuple(fit(arm, "state_bytes", 2.0) for arm in (first, second, third))

    lines = scaling_lines(replace(model, scaling=fits, scaling_points=(*own, *same, *beside)))

    assert [line.under for line in lines] == [True, False, False]


def test_the_folder_holds_the_figure_and_the_page_its_table(model, folder) -> None:
    page = (folder / "index.html").read_text()

    svg = (folder / "figures/scaling.svg").read_text()
    ET.fromstring(svg)
    assert f"{model.optimizers[0].label} 2.00 (2.00)" in svg
    assert f"{model.optimizers[2].label} (process) 1.00" in svg
    assert (folder / "figures/scaling.png").read_bytes().startswith(b"\x89PNG")
    assert 'id="memory"' in page
    assert page.count("above declared</span>") == 2


def test_a_sweep_that_ranks_nothing_has_neither_profiles_nor_curves(model, folder, tmp_path) -> None:
    names = {path.name for path in folder.rglob("*.*")}
    page = (folder / "index.html").read_text()
    for section in ("overview", "profiles", "convergence"):
        assert f'<section id="{section}"' not in page
        assert f'href="#{section}"' not in page
    assert '<section id="memory">' in page
    assert "scaling.svg" in names
    assert not any(name.startswith(("profile.", "dataprofile.", "conv-", "curves-")) for name in names)
    ranked = {path.name for path in HtmlReporter(figures=False)(model, tmp_path)}
    assert any(name.startswith("curves-") for name in ranked)


def test_times_have_a_figure_and_a_table_of_their_own(timed, folder) -> None:
    page = (folder / "index.html").read_text()

    svg = (folder / "figures/scaling-time.svg").read_text()
    assert f"{timed.optimizers[0].label} 1.25" in svg
    assert "in doubt" in svg
    assert 'id="time"' in page
    assert "as declared</span>" in page
    (line,) = [line for line in scaling_lines(timed) if line.panel == "step"]
    assert (line.values, line.doubted) == (pytest.approx((1e-4, 1e-3)), (100,))
    assert [row["figure"] for row in scaling_rows(timed, memory=False)] == ["step"]


@pytest.mark.browser
def test_the_chart_of_times_has_a_hollow_dot_where_a_time_is_in_doubt(timed, tmp_path, visit) -> None:
    HtmlReporter(figures=False)(timed, tmp_path)
    page = visit(tmp_path)
    page.locator("#time").scroll_into_view_if_needed()
    page.wait_for_selector("#scaling-time circle.hollow")
    dots = page.locator("#scaling-time circle.dot").count(), page.locator("#scaling-time circle.hollow").count()

    assert dots == (2, 1)


def test_a_report_without_a_sweep_has_no_such_section(synthetic, tmp_path) -> None:
    HtmlReporter()(replace(synthetic.full_results(seeds=1, problems=1).report(), ranking=False), tmp_path)

    assert 'id="memory"' not in (tmp_path / "index.html").read_text()
    assert not (tmp_path / "data/scaling.js").exists()
    assert not list((tmp_path / "figures").glob("scaling.*"))


def test_rows_name_what_was_fitted(model) -> None:
    assert [(row["figure"], row["exponent"]) for row in scaling_rows(model, memory=True)] == [
        ("state", "2.000"),
        ("peak", "2.000"),
        ("state", "0.000"),
        ("process", "1.000"),
    ]


@pytest.mark.browser
def test_the_chart_has_dots_where_it_was_measured_and_hollow_ones_where_not(model, tmp_path, visit) -> None:
    HtmlReporter(figures=False)(model, tmp_path)
    page = visit(tmp_path, viewport={"width": 400, "height": 800})
    page.locator("#memory").scroll_into_view_if_needed()
    page.wait_for_selector("#scaling circle.dot")
    peak = page.locator("#scaling circle.dot").count(), page.locator("#scaling path.end").count()
    page.locator("#f-bytes label", has_text="state").click()
    page.wait_for_selector("#scaling circle.hollow")
    state = page.locator("#scaling circle.dot").count(), page.locator("#scaling circle.hollow").count()
    key = page.eval_on_selector_all("#scaling text.ser", "texts => texts.map((text) => text.firstChild.data)")
    wide = page.evaluate("document.documentElement.scrollWidth")

    assert (peak, state) == ((2, 3), (3, 1))  # the third's two points are crosses: the growth of the process
    assert key == [model.optimizers[0].label, "2.00", model.optimizers[1].label, "0 B"]
    assert wide <= 400
