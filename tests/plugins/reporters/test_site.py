"""The sections of the page in a browser: what they show, by pointer and by keyboard, with few and with many lines."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from optbench_reporters.figures import figure_files
from optbench_reporters.html import HtmlReporter
from optbench_reporters.palette import slots
from optbench_reporters.sections import ABLATIONS

from optbench.analysis import cost_ratios, data_profile, performance_profile
from optbench.records import AblationEffect, Component, StageRecord, unpack

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(synthetic):
    return synthetic.full_results(seeds=3).report()


@pytest.fixture(scope="module")
def folder(report, tmp_path_factory):
    path = tmp_path_factory.mktemp("site")
    HtmlReporter(figures=False)(report, path)
    return path


@pytest.fixture(scope="module")
def many(synthetic, tmp_path_factory):
    """Return the folder of a report of thirty optimizers."""
    results = synthetic.Results()
    for index in range(30):
        for problem in ("x/p", "x/q"):
            trace = synthetic.events_of([1, 2 + index], [5.0, 1.0 if index % 3 else 4.0])
            results.add(f"x/o{index}", problem, trace, f_star=1.0)
    path = tmp_path_factory.mktemp("many")
    HtmlReporter(figures=False)(results.report(), path)
    return path


def drawn(visit, folder, fragment="", **options):
    page = visit(folder, fragment, **options)
    page.evaluate("OB.drawAll()")
    page.wait_for_selector("#conv .line")
    return page


def series(page, figure):
    return page.evaluate(
        f"document.getElementById('{figure}').spec.series.map(s => [OB.data.suite.optimizers[s.o].id, s.x, s.y])"
    )


def costs_of(report, measure, target, optimizers, problems):
    cells = {(cell.optimizer, cell.problem): cell for cell in report.cells}
    medians = [[cells[o.id, p.id].costs[measure][target][1] for p in problems] for o in optimizers]
    return np.array([[np.inf if cost is None else cost for cost in row] for row in medians])


@pytest.mark.parametrize(
    ("fragment", "measure", "target", "hidden", "kinds"),
    [
        ("", "evaluations", 3, (), ()),
        ("#m=seconds&t=1&c=0,2", "seconds", 1, (), ("quadratic", "nonconvex")),
        ("#m=gradients&t=2&h=newton-cg,gd", "gradients", 2, ("newton-cg", "gd"), ()),
        ("#t=2&b=all&h=newton-cg&c=3", "evaluations", 2, ("newton-cg",), ("learning",)),
    ],
)
def test_profiles_after_filtering_equal_pythons(visit, folder, report, fragment, measure, target, hidden, kinds):
    page = drawn(visit, folder, fragment)
    problems = [problem for problem in report.problems if problem.kind not in kinds]
    shown = [optimizer for optimizer in report.optimizers if optimizer.id not in hidden]
    among = report.optimizers if "b=all" in fragment else shown
    every = costs_of(report, measure, target, among, problems)
    ratios = dict(zip([item.id for item in among], cost_ratios(every), strict=True))
    costs = dict(zip([item.id for item in among], every, strict=True))
    profile, budgets = series(page, "profile"), series(page, "dataprofile")
    assert [name for name, *_ in profile] == [name for name, *_ in budgets] == [item.id for item in shown]
    for drawn_series, values in ((profile, ratios), (budgets, costs)):
        for name, xs, ys in drawn_series:
            expected = [np.mean(values[name] <= x * (1 + 1e-12)) for x in xs]
            assert ys == pytest.approx(expected, abs=1e-9)
    for name, xs, ys in profile:  # and by the analysis itself, which knows all that are compared
        row = [item.id for item in among].index(name)
        assert ys == pytest.approx(performance_profile(every, xs)[row], abs=1e-9)
    for name, xs, ys in budgets:
        row = [item.id for item in among].index(name)
        assert ys == pytest.approx(data_profile(every, xs)[row], abs=1e-9)


def test_the_matrix_holds_each_ratio(visit, folder, report):
    page = drawn(visit, folder)
    ratios = cost_ratios(costs_of(report, "evaluations", 3, report.optimizers, report.problems)).T
    for row, values in zip(range(len(report.problems)), ratios, strict=True):
        texts = page.locator(f'#heat td[data-p="{row}"]').all_inner_texts()
        for text, value in zip(texts, values, strict=True):
            assert (text == "·") if np.isinf(value) else float(text.replace(",", "")) == pytest.approx(value, rel=0.06)


def test_the_matrix_is_gone_through_by_arrow_keys(visit, folder, report):
    page = drawn(visit, folder)
    page.locator('#heat td[tabindex="0"]').focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    place = page.evaluate("[document.activeElement.dataset.p, document.activeElement.dataset.o]")
    first = [index for index, item in enumerate(report.problems) if item.kind == report.problems[0].kind]
    assert place == [str(first[1]), "1"]
    told = page.inner_text("#live")
    assert told.startswith(f"{report.optimizers[1].label} on {report.problems[first[1]].label}: ")
    assert page.locator('#heat td[tabindex="0"]').count() == 1
    page.keyboard.press("Enter")
    assert f"p={report.problems[first[1]].id}" in page.url


def test_a_class_of_the_matrix_folds(visit, folder):
    page = drawn(visit, folder)
    before = page.locator("#heat tbody tr").count()
    page.locator('#heat [data-kind="quadratic"]').press("Enter")
    assert page.locator('#heat [data-kind="quadratic"]').get_attribute("aria-expanded") == "false"
    assert page.locator("#heat tbody tr").count() == before - 3


def test_single_seeds_take_the_place_of_the_bands(visit, folder, report):
    page = drawn(visit, folder, "#x=seeds&h=gd")
    page.evaluate("OB.drawAll()")
    assert page.locator("#conv .band").count() == 0
    threads = page.evaluate(
        "document.getElementById('conv').spec.series.map(s => [s.o, s.threads.map(t => [t.x, t.y])])"
    )
    problem = report.problems[0].id
    for index, drawn_threads in threads:
        stored = [x for x in report.seed_curves if (x.problem, x.optimizer) == (problem, report.optimizers[index].id)]
        assert len(drawn_threads) == len(stored) == 3
        for (xs, ys), single in zip(drawn_threads, stored, strict=True):
            values = unpack(single.points)
            rows = len(values) // 4  # three costs and the gap
            assert (tuple(xs), tuple(ys)) == (pytest.approx(values[:rows]), pytest.approx(values[-rows:]))
    page.locator("#f-seeds label", has_text="bands").click()
    assert "x=" not in page.url
    page.wait_for_selector("#conv .band")


def test_every_chart_has_its_numbers_as_a_table_behind_it(visit, folder, report):
    page = drawn(visit, folder)
    for figure in ("profile", "dataprofile", "ecdf", "conv", "multiples"):
        page.evaluate(f"document.querySelector('details[data-table={figure}]').open = true")
        page.wait_for_selector(f"details[data-table={figure}] tbody tr")
        assert page.locator(f"details[data-table={figure}] tbody tr").count() == len(report.optimizers)
    last = page.locator("details[data-table=dataprofile] tbody tr").first.locator("td").last.inner_text()
    assert re.fullmatch(r"\d+ %", last)
    page.locator("#f-optimizer input[value=gd]").uncheck()
    page.evaluate("OB.drawAll()")
    assert page.locator("details[data-table=profile] tbody tr").count() == len(report.optimizers) - 1


def until(page, condition):
    """Wait for a condition without `wait_for_function`, whose second look the page's policy forbids as an eval."""
    page.evaluate(
        f"new Promise(done => {{ const look = () => ({condition}) ? done() : setTimeout(look, 20); look(); }})"
    )


def test_a_filter_draws_what_is_seen_and_the_rest_when_it_comes_near(visit, folder, report):
    page = drawn(visit, folder)
    panels = page.locator("#multiples .panel")
    page.wait_for_selector("#multiples .panel")
    page.locator("#f-optimizer input[value=gd]").uncheck()
    assert page.locator("#table tbody tr").count() == len(report.optimizers) - 1
    assert panels.count() == len(report.optimizers)
    page.locator("#multiples").scroll_into_view_if_needed()
    until(page, f"document.querySelectorAll('#multiples .panel').length === {len(report.optimizers) - 1}")


def test_a_chart_that_has_the_focus_keeps_it_when_it_is_drawn_anew(visit, folder):
    page = drawn(visit, folder)
    page.locator("#conv svg").focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    assert page.locator("#conv .tip").is_visible()
    page.evaluate("OB.set({ m: 'seconds' }).then(OB.drawAll)")
    until(page, "document.getElementById('conv').spec.x.label === 'seconds'")
    assert page.evaluate("document.activeElement.closest('#conv svg') !== null")


def test_a_chart_on_a_phone_names_its_lines(visit, folder, report):
    page = drawn(visit, folder, viewport={"width": 390, "height": 800})
    for figure in ("profile", "conv"):
        names = page.locator(f"#{figure} text.ser title").all_text_contents()
        assert {optimizer.label for optimizer in report.optimizers} <= set(names)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("figure", ["profile", "conv", "multiples", "heat"])
def test_what_is_shown_can_be_taken_along_as_svg(visit, folder, report, tmp_path, figure):
    page = drawn(visit, folder, color_scheme="dark")
    page.wait_for_selector("#multiples .panel")
    with page.expect_download() as download:
        page.click(f"[data-svg={figure}]")
    download.value.save_as(tmp_path / "figure.svg")
    text = (tmp_path / "figure.svg").read_text()
    content = "".join(ET.fromstring(text).itertext())
    assert all(optimizer.label[:12] in content for optimizer in report.optimizers)
    assert "Made-up suite" in content
    assert not re.search(r"var\(|NaN|undefined", text)


def test_small_panels_hold_a_line_for_each_problem(visit, folder, report):
    page = drawn(visit, folder)
    page.wait_for_selector("#multiples .panel")
    assert page.locator("#multiples .panel").count() == len(report.optimizers)
    assert page.locator("#multiples .panel").first.locator(".threads path").count() == len(report.problems)
    page.locator("#f-kind label", has_text="quadratic").click()
    page.evaluate("OB.drawAll()")
    assert page.locator("#multiples .panel").first.locator(".threads path").count() == 6


def test_of_thirty_optimizers_twelve_have_colours_and_all_are_listed(visit, many):
    page = drawn(visit, many)
    grey = set(page.evaluate("OB.data.suite.grey"))
    assert len(grey) == 18
    labels = page.locator("#profile .end-label title").all_text_contents()
    assert len(labels) == 12
    assert page.locator("#table tbody tr").count() == 30
    assert page.locator("#heat thead .turned").count() == 30
    assert page.locator("#f-optimizer label").count() == 30
    assert page.locator("#profile .line").count() == 30
    page.wait_for_selector("#multiples .panel")
    assert page.locator("#multiples .panel").count() == 12
    page.click("#multiples .more")
    page.evaluate("OB.drawAll()")
    assert page.locator("#multiples .panel").count() == 30


def test_a_grey_line_is_named_when_it_is_pointed_at(visit, many):
    page = drawn(visit, many)
    grey = page.evaluate("OB.data.suite.grey")[0]
    page.evaluate("document.getElementById('conv').scrollIntoView({block: 'center'})")
    x, y = page.evaluate(
        f"""(() => {{
          const line = document.querySelector('#conv .line.o{grey}');
          const end = line.getPointAtLength(line.getTotalLength() * 0.6);
          const box = line.ownerSVGElement.getBoundingClientRect();
          return [box.left + end.x, box.top + end.y];
        }})()"""
    )
    page.mouse.move(x, y)
    assert page.locator("#conv .tip").is_visible()
    assert page.locator("#conv .tip .on").count() == 1


def test_a_card_names_a_winner_only_where_its_interval_is_clear(visit, synthetic, tmp_path):
    results = synthetic.Results()
    for index in range(30):
        for arm, cost in (("good", 10), ("fair", 1000), ("poor", None)):
            values = [5.0, 5.0 if cost is None else 1.0]
            results.add(f"x/{arm}", f"x/p{index}", synthetic.events_of([1, cost or 500], values), f_star=1.0)
    HtmlReporter(figures=False)(results.report(), tmp_path)
    page = drawn(visit, tmp_path)
    reliable, fastest, closest = page.locator("#cards .kpi").all_inner_texts()[:3]
    assert "No clear winner" in reliable  # both always reach it
    assert "No clear winner" not in fastest
    assert fastest.split("\n")[1] == closest.split("\n")[1] == "good"


def test_the_range_of_a_median_is_that_of_the_sign_test(visit, folder):
    """Of 12 values the third smallest and the third largest: P(at most 2 of 12 below the median) = 0.0193."""
    page = visit(folder)
    assert page.evaluate("OB.medianRange([12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])") == [3, 10]
    assert page.evaluate("OB.medianRange([1, 2, 3]).map(String)") == ["-Infinity", "Infinity"]


def test_each_optimizer_and_problem_has_a_page_that_leads_back(visit, folder, report):
    page = visit(folder, name=f"problems/{report.problems[1].id}.html")
    assert page.locator("section table").first.locator("tbody tr").count() == len(report.optimizers)
    page.click(".tools a")
    page.wait_for_selector("#conv .line")
    assert page.input_value("#pick-conv select") == report.problems[1].id
    for item in report.optimizers:
        page = visit(folder, name=f"optimizers/{item.id}.html")
        assert item.expression in page.inner_text("main")
        assert "Someone, 1970" in page.inner_text("main")
        page.locator("section table a").first.click()
        assert "/problems/" in page.url


def test_a_page_that_is_alive_reloads_once_it_was_written_again(visit, synthetic, tmp_path):
    results = synthetic.full_results(seeds=1, problems=1)
    HtmlReporter(figures=False, live=True)(results.report(), tmp_path)
    page = visit(tmp_path)
    results.add("x/new", results.problems[0].use, synthetic.events_of([1, 2], [5.0, 1.0]))
    HtmlReporter(figures=False, live=True)(results.report(), tmp_path)
    page.locator("#f-optimizer input[value=new]").wait_for(state="attached", timeout=20_000)
    assert page.locator("#f-optimizer label").count() == 9


def test_stages_are_marked_where_they_begin(visit, synthetic, tmp_path):
    results = synthetic.Results()
    trace = synthetic.events_of([1, 2, 4, 8], [5.0, 4.0, 3.0, 1.5])
    trace["stage"][2] = trace["stage"][3] = 1.0
    stages = (StageRecord(name="coarse"), StageRecord(name="fine"))
    results.add(Component(name="x/a"), "x/p", trace, f_star=1.0, stages=stages)
    report = results.report()
    assert report.curves[0].stages == ((2.0, 2.0, 0.002),)
    HtmlReporter(figures=False)(report, tmp_path)
    page = drawn(visit, tmp_path)
    assert page.locator("#conv .stage").count() == 1


def effect(factor, ratio, verdict, **changes):
    shared = {"present": "", "absent": "", "problem": "", "measure": "evaluations", "higher_is_better": False}
    numbers = {"value_present": None, "value_absent": None, "pairs": 12, "log_ratios": (), "p_value": 0.01}
    rest = {"adjusted": 0.01, "seconds": None, "flops": None, "beside": "sgd"}
    interval = {"low": ratio / 1.2, "high": ratio * 1.2}
    fields = {**shared, **numbers, **rest, **interval, **changes}
    return AblationEffect(factor=factor, ratio=ratio, verdict=verdict, **fields)


def test_ablations_are_a_forest_with_a_line_at_one(visit, report, tmp_path):
    found = (effect("batch-norm", 0.5, "better"), effect("polyak", 1.1, "within noise"), effect("<b>", 3.0, "worse"))
    model = replace(report, ablations=found)
    drawings = figure_files(model, 1e-8, slots(model, 1e-8), [ABLATIONS])
    assert [name for name, _ in drawings] == ["ablation-0.svg", "ablation-0.pdf"]
    HtmlReporter(figures=False)(model, tmp_path)
    page = drawn(visit, tmp_path)
    kinds = page.eval_on_selector_all("#ablation-0 .effect", "all => all.map(one => one.classList[1])")
    assert kinds == ["better", "level", "worse"]
    centres = page.eval_on_selector_all("#ablation-0 circle", "all => all.map(one => +one.getAttribute('cx'))")
    line = float(re.match(r"M([\d.]+)", page.get_attribute("#ablation-0 .axis", "d")).group(1))
    assert centres[0] < line < centres[1] < centres[2]
    assert "×3 [2.5, 3.6]" in page.locator("#ablation-0").text_content()
    assert page.locator("#ablations tbody tr").count() == 3
