"""The page in a browser, from file:// and offline; numbers are compared with those that Python computed."""

import re

import numpy as np
import pytest
from optbench_reporters.html import HtmlReporter

from optbench.records import Component, Status
from optbench.records.text import percent_range, range_text

EVIL = "<img src=x onerror=alert(1)>"
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(synthetic):
    results = synthetic.full_results(seeds=12, flops=True)
    results.weights = {"value": 1.0, "gradient": 2.0}
    return results.report()


@pytest.fixture(scope="module")
def folder(report, tmp_path_factory):
    path = tmp_path_factory.mktemp("page")
    HtmlReporter(figures=False)(report, path)
    return path


def rows(page):
    """Return the table's rows as scripts draw them: once the section is near the window, after the page has loaded."""
    page.wait_for_selector("#table [data-sort]")
    return page.locator("#table tbody tr").all_inner_texts()


def test_every_section_draws_real_numbers(visit, folder):
    page = visit(folder)
    page.evaluate("OB.drawAll()")
    page.wait_for_selector("#conv .line")
    for figure in ("profile", "dataprofile", "conv"):
        assert page.locator(f"#{figure} .grid").count() == 1
    assert not re.search(r"NaN|undefined|Infinity", page.inner_html("main"))


@pytest.mark.parametrize("measure", ["evaluations", "gradients", "seconds", "flops", "cost"])
@pytest.mark.parametrize("target", [0, 3])
def test_the_table_equals_pythons_numbers(visit, folder, report, measure, target):
    page = visit(folder, f"#m={measure}&t={target}")
    shown = page.evaluate(
        "OB.view().rows.map(r => [OB.data.suite.optimizers[r.o].id, r.trials, r.hits, r.low, r.high,"
        " isFinite(r.slow) ? r.slow : null, r.wins, isFinite(r.cost) ? r.cost : null, r.mean, r.area])"
    )
    expected = {s.optimizer: s for s in report.scores_at(measure, report.targets[target])}
    assert len(shown) == len(expected)
    for name, trials, hits, low, high, slow, wins, cost, mean, area in shown:
        score = expected[name]
        assert (trials, hits, wins, cost) == (score.trials, score.hits, score.wins, score.cost)
        assert (low, high) == pytest.approx((score.low, score.high), abs=1e-4)
        assert slow == (None if score.slowdown is None else pytest.approx(score.slowdown, rel=1e-3))
        assert (mean, area) == pytest.approx((score.mean, score.area), rel=1e-3)


def test_the_table_prints_those_numbers_in_pythons_order(visit, folder, report):
    labels = {item.id: item.label for item in report.optimizers}
    printed = [re.split(r"\s*\t\s*|\n", text) for text in rows(visit(folder))]
    scores = report.scores_at("evaluations", 1e-5)
    assert [row[0] for row in printed] == [labels[score.optimizer] for score in scores]
    assert [row[1].split(" %")[0] for row in printed] == [f"{100 * s.hits / s.trials:.0f}" for s in scores]


def test_ranges_are_written_as_python_writes_them(visit, folder):
    page = visit(folder)
    shares = [(0.772, 1.0), (0.997, 1.0), (0.0, 0.004)]
    assert page.evaluate("shares => shares.map(s => OB.percents(...s))", shares) == [percent_range(*s) for s in shares]
    ends = [("-2", "-1"), ("-1", "1"), ("1×", "2×"), ("1×", "1×")]
    assert page.evaluate("ends => ends.map(e => OB.range(...e))", ends) == [range_text(*e) for e in ends]


def test_profiles_end_at_the_share_of_solved_problems(visit, folder, report):
    page = visit(folder)
    page.evaluate("OB.drawAll()")
    ends = page.evaluate(
        "document.getElementById('dataprofile').spec.series.map(s => [OB.data.suite.optimizers[s.o].id, s.y.at(-1)])"
    )
    scores = {score.optimizer: score for score in report.scores_at("evaluations", 1e-5)}
    assert dict(ends) == pytest.approx({name: score.solved / score.problems for name, score in scores.items()})


def test_a_performance_profile_begins_at_the_share_of_wins(visit, folder, report):
    page = visit(folder)
    page.evaluate("OB.drawAll()")
    starts = page.evaluate(
        "document.getElementById('profile').spec.series.map(s => [OB.data.suite.optimizers[s.o].id, s.y[0]])"
    )
    scores = {score.optimizer: score for score in report.scores_at("evaluations", 1e-5)}
    assert dict(starts) == pytest.approx({name: score.wins / score.problems for name, score in scores.items()})


def test_a_profiles_band_is_that_of_resampled_problems(visit, folder):
    """Against draws of 9 problems of which 7 are solved."""
    page = visit(folder)
    low, high = page.evaluate("OB.binomialBand(7 / 9, 9)")
    draws = np.random.default_rng(0).binomial(9, 7 / 9, size=20_000) / 9
    assert (low, high) == pytest.approx(np.quantile(draws, [0.025, 0.975]))
    assert page.evaluate("[OB.binomialBand(0, 9), OB.binomialBand(1, 9)]") == [[0, 0], [1, 1]]
    page.evaluate("OB.drawAll()")
    assert page.locator("#profile .band.quiet").count() == len(rows(page))


def test_the_ecdf_of_runtimes_ends_at_the_share_of_accuracies_that_are_reached(visit, folder, report):
    page = visit(folder)
    page.evaluate("OB.drawAll()")
    ends = page.evaluate(
        "document.getElementById('ecdf').spec.series.map(s => [OB.data.suite.optimizers[s.o].id, s.y.at(-1)])"
    )
    reached = {
        optimizer.id: np.mean([
            cost[1] is not None
            for cell in report.cells
            if cell.optimizer == optimizer.id
            for cost in cell.costs["evaluations"]
        ])
        for optimizer in report.optimizers
    }  # fmt: skip
    assert dict(ends) == pytest.approx(reached)


def test_verdicts_follow_the_measure_and_the_accuracy(visit, folder, report):
    labels = {item.id: item.label for item in report.optimizers}
    for measure, target in (("evaluations", 3), ("cost", 0)):
        page = visit(folder, f"#m={measure}&t={target}")
        table = rows(page)  # the verdicts are drawn with it
        expected = [v for v in report.versus if (v.measure, v.target) == (measure, report.targets[target])]
        shown = [re.split(r"\s*\t\s*", text)[:2] for text in page.locator("#versus tbody tr").all_inner_texts()]
        assert shown == [[labels[row.optimizer], row.verdict] for row in expected]
        assert page.inner_text("#versus-leader") == labels[expected[0].leader]
        level = report.level_with_leader(measure, report.targets[target])
        assert {text.split("\t")[0].strip() for text in table if "≈" in text} == {labels[name] for name in level}
    page.locator("#f-kind label", has_text="quadratic").click()
    assert not any("≈" in text for text in rows(page))


def test_doubtful_times_are_marked_with_their_number(visit, folder):
    page = visit(folder)
    table = rows(page)
    marks = page.locator("#table .doubt")
    assert marks.count() == len(table)
    assert marks.first.get_attribute("title") == "times of 9 of 108 trials are not to be believed"


def test_the_cost_says_its_weights(visit, folder):
    page = visit(folder, "#m=cost")
    page.evaluate("OB.drawAll()")
    assert "weighted cost (value 1, gradient 2) to reach" in page.inner_text("#scope")
    page.wait_for_selector("#conv .line")
    assert "weighted cost (value 1, gradient 2)" in page.inner_text("#conv")


def test_a_filter_goes_into_the_address_and_comes_back(visit, folder):
    page = visit(folder)
    page.locator("#f-kind label", has_text="quadratic").click()
    page.locator("#f-measure label", has_text="Time").click()
    page.locator("#f-optimizer input[value=gd]").uncheck()
    assert "m=seconds" in page.url
    before = rows(page)
    assert len(before) == 7
    page.reload()
    assert rows(page) == before
    assert "6 of 9 problems" in page.inner_text("#scope")
    page.click("#reset")
    assert "#" not in page.url
    assert "9 of 9 problems" in page.inner_text("#scope")


@pytest.mark.parametrize(
    "fragment",
    [
        "m=beauty&t=99&p=nowhere&constructor=1&d=mars",
        "t=length&s=__proto__&m=constructor&p=__proto__&c=constructor&h=toString&go=theme",
        "%E0%A4%A&p=%3Cscript%3Ealert(1)%3C/script%3E&k=<img src=x onerror=alert(1)>&go=%22%3E<b>",
    ],
)
def test_a_spoilt_address_falls_back_to_the_default(visit, folder, fragment):
    page = visit(folder, f"#{fragment}")
    assert "9 of 9 problems and 8 of 8 optimizers" in page.inner_text("#scope")
    assert len(rows(page)) == 8


def test_sorting_by_keyboard(visit, folder, report):
    page = visit(folder)
    page.locator('[data-sort="slow"]').focus()
    page.keyboard.press("Enter")
    assert page.locator('th[aria-sort="ascending"]').inner_text().startswith("Slowdown")
    assert page.evaluate("document.activeElement.dataset.sort") == "slow"
    least = min(report.scores_at("evaluations", 1e-5), key=lambda score: score.slowdown)
    assert rows(page)[0].startswith(least.optimizer)
    page.keyboard.press("Enter")
    assert not rows(page)[0].startswith(least.optimizer)


def test_charts_are_read_by_keyboard(visit, folder):
    page = visit(folder)
    page.evaluate("OB.drawAll()")
    page.locator("#profile svg").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert re.fullmatch(r".+, \d+ % at [\d.]+", page.inner_text("#live"))


def test_another_problem_is_loaded_when_it_is_chosen(visit, folder, report):
    page = visit(folder)
    page.evaluate("OB.drawAll()")
    page.select_option("#pick-conv select", "learning-3")
    page.evaluate("OB.drawAll()")  # resolves once the chosen problem’s curves are loaded and drawn
    assert page.evaluate("document.getElementById('conv').spec.label").endswith("learning-3")
    curve = next(c for c in report.curves if (c.problem, c.optimizer) == ("learning-3", "adam"))
    drawn = page.evaluate("document.getElementById('conv').spec.series.find(s => s.name === 'adam').y")
    assert drawn == pytest.approx(curve.median, rel=0.012)
    assert "last iterate" in page.inner_text("#about")
    assert "test-accuracy" in page.inner_text("#ends")
    assert page.locator("#conv .end").count() == 1  # bfgs failed on one seed


def test_an_empty_filter_says_so_and_recovers(visit, folder):
    page = visit(folder, "#c=0,1,2,3")
    assert "Nothing matches" in page.inner_text("#scope")
    page.click("#reset")
    assert len(rows(page)) == 8


def test_the_theme_survives_a_reload(visit, folder):
    page = visit(folder)
    page.click("#theme")
    page.click("#theme")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 19, 23)"


def test_csv_of_a_figure_and_of_the_table(visit, folder, tmp_path):
    page = visit(folder)
    page.evaluate("OB.drawAll()")
    for name, start in (("profile", "name,x,y,low,high\n"), ("table", "name,hits,trials,")):
        with page.expect_download() as download:
            page.click(f"[data-csv={name}]")
        download.value.save_as(tmp_path / name)
        assert (tmp_path / name).read_text().startswith(start)


def test_without_scripts_the_table_is_there(visit, folder):
    page = visit(folder, java_script_enabled=False)
    assert page.locator("#table tbody tr").count() == 8
    assert page.locator("#filters").is_hidden()


def test_nothing_scrolls_sideways_on_a_phone(visit, folder):
    page = visit(folder, viewport={"width": 390, "height": 800})
    page.evaluate("OB.drawAll()")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_names_are_text(visit, synthetic, tmp_path):
    results = synthetic.Results()
    optimizer = Component(name=f"x/{EVIL}")
    results.optimizer_info[optimizer.name] = {"family": EVIL}
    results.problem_info[EVIL] = {"kind": EVIL}
    trace = synthetic.events_of([1, 2], [5.0, 1.0])
    results.add(optimizer, EVIL, trace, f_star=1.0, metrics={EVIL: 1.0}, status=Status.ERROR, message=EVIL)
    HtmlReporter(figures=False)(results.report(), tmp_path)
    page = visit(tmp_path)
    page.evaluate("OB.drawAll()")
    page.wait_for_selector("#conv .line")
    page.locator("#conv svg").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("main img, aside img").count() == 0
    assert EVIL in page.inner_text("#ends")
