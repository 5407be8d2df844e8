"""What the reporter writes, without a browser."""

import html
import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from optbench_reporters import optbench_reporters
from optbench_reporters.downloads import downloads, replay
from optbench_reporters.figures import figure_files
from optbench_reporters.html import DEFAULT_TARGET, HtmlReporter
from optbench_reporters.palette import COLOURED, GREY, HUES, slots, stylesheet
from optbench_reporters.sections import PROFILES, sections_of

from optbench.records import Component, Gate, Pairing, ReportPart, Status


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours, as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def data_of(path):
    return json.loads(re.fullmatch(r"OB\.put\(\"[^\"]+\", (.*)\);\n", path.read_text()).group(1))


@pytest.fixture(scope="module")
def report(synthetic):
    return synthetic.full_results(problems=4).report()


@pytest.fixture(scope="module")
def folder(report, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "made-up"
    HtmlReporter()(report, path)
    return path


def test_the_record_builds_the_reporter_with_its_options():
    plugin = next(plugin for plugin in optbench_reporters() if plugin.name == "html")
    module, name = plugin.factory.split(":")
    assert (module, name) == (HtmlReporter.__module__, HtmlReporter.__name__)
    assert HtmlReporter(**{key: option.default for key, option in plugin.options.items()}).figures


def test_it_returns_what_it_wrote_and_the_page_last(report, tmp_path):
    paths = HtmlReporter(figures=False)(report, tmp_path / "out")
    assert paths[-1] == tmp_path / "out" / "index.html"
    assert set(paths) == {path for path in (tmp_path / "out").rglob("*") if path.is_file()}


def test_a_failure_leaves_the_old_page_and_no_half_file(report, tmp_path, monkeypatch):
    HtmlReporter(figures=False)(report, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    monkeypatch.setattr("optbench_reporters.html.stylesheet", lambda looks: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        HtmlReporter(figures=False)(report, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_an_older_reports_curves_are_removed_and_other_files_kept(report, tmp_path):
    for name in ("data/curves-gone.js", "figures/mine.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    HtmlReporter(figures=False)(report, tmp_path)
    assert not (tmp_path / "data/curves-gone.js").exists()
    assert (tmp_path / "figures/mine.png").exists()


def test_every_file_that_the_page_names_exists(folder):
    page = (folder / "index.html").read_text()
    named = re.findall(r'(?:src|href)="([^"#:]+)"', page)
    assert len(named) > 15
    assert [name for name in named if not (folder / name).is_file()] == []


def test_each_figure_is_valid_svg_with_the_optimizers_names_and_pdf(folder, report):
    names = {"profile", "dataprofile", "ecdf", "heat", "multiples", *(f"conv-{item.id}" for item in report.problems)}
    for kind in ("svg", "pdf"):
        assert {path.stem for path in (folder / "figures").glob(f"*.{kind}")} == names
    for path in (folder / "figures").glob("*.svg"):
        text = "".join(ET.parse(path).getroot().itertext())
        assert all(optimizer.label in text for optimizer in report.optimizers)


def test_without_scripts_each_live_figure_is_a_still_one(folder):
    page = (folder / "index.html").read_text()
    stills = re.findall(r'<noscript><img src="figures/([^"]+)\.svg"', page)
    assert [name.partition("-")[0] for name in stills] == [
        "profile",
        "dataprofile",
        "ecdf",
        "heat",
        "conv",
        "multiples",
    ]


def test_figures_repeat_byte_for_byte(folder, report):
    target = report.target_near(DEFAULT_TARGET)
    again = dict(figure_files(report, target, slots(report, target), [PROFILES]))
    assert len(again) == 6
    assert again == {name: (folder / "figures" / name).read_bytes() for name in again}


def test_the_data_holds_each_cell_and_its_costs(folder, report):
    cells = data_of(folder / "data/cells.js")
    index = 5
    cell = report.cells[index]
    assert report.optimizers[cells["o"][index]].id == cell.optimizer
    assert report.problems[cells["p"][index]].id == cell.problem
    assert cells["costs"]["seconds"][index] == [list(quantiles) for quantiles in cell.costs["seconds"]]


def test_the_static_profile_has_a_band_for_each_optimizer(folder, report):
    svg = (folder / "figures/profile.svg").read_text()
    assert svg.count('id="FillBetweenPolyCollection') == len(report.optimizers)
    assert 'id="FillBetweenPolyCollection' not in (folder / "figures/dataprofile.svg").read_text()


def test_gaps_in_the_data_are_hundredths_of_the_logarithm(folder, report):
    problem = report.problems[0]
    curves = data_of(folder / f"data/curves-{problem.id}.js")["curves"]
    curve = next(c for c in report.curves if c.problem == problem.id)
    assert [10 ** (y / 100) for y in curves[0]["y"]] == pytest.approx(curve.median, rel=0.012)


def test_the_page_without_scripts_lists_the_optimizers_by_solved_share(folder, report):
    page = (folder / "index.html").read_text()
    body = page.split('<table id="table">')[1].split("</table>")[0]
    names = [html.unescape(name) for name in re.findall(r'<th scope="row"><a [^>]*>(.*?)</a></th>', body)]
    labels = {item.id: item.label for item in report.optimizers}
    assert names == [labels[score.optimizer] for score in report.scores_at("evaluations", 1e-8)]


def test_the_page_states_what_reproduces_it(folder):
    page = (folder / "index.html").read_text()
    assert "<code>optbench suite made-up</code>" in page
    assert "torch 2.13.0" in page


def test_gates_are_listed_with_what_came_out(results, synthetic, tmp_path):
    problem, optimizer = Component(name="x/p"), Component(name="x/a")
    results.add(optimizer, problem, synthetic.events_of([1, 2], [5.0, 3.0]), f_star=1.0, evaluations=2)
    shared = {"statement": "<b>bold</b>", "problems": (problem,), "optimizers": ((optimizer,),)}
    gates = (
        Gate(name="right", quantity="evaluations", at_most=2.0, **shared),
        Gate(name="wrong", quantity="rate", expected=0.25, tolerance=1e-3, **shared),
    )
    HtmlReporter(figures=False)(results.report(gates=gates), tmp_path)
    page = (tmp_path / "index.html").read_text()
    section = page.split('<section id="gates">')[1].split("</section>")[0]
    assert '<a href="#gates">Gates</a>' in page
    assert "1 of 2 did" in section
    assert re.findall(r">(yes|no)<", section) == ["yes", "no"]
    assert "outside of what is allowed" in section
    assert "&lt;b&gt;bold&lt;/b&gt;" in section
    assert '<td class="n">0.50000</td>' in section
    assert '<section id="overview">' in page


def test_a_suite_that_ranks_nothing_has_no_overview(results, synthetic, tmp_path):
    results.add("x/a", "x/p", synthetic.events_of([1, 2], [5.0, 3.0]), f_star=1.0, evaluations=2)
    HtmlReporter(figures=False)(replace(results.report(), ranking=False), tmp_path)
    page = (tmp_path / "index.html").read_text()
    for section in ("overview", "profiles"):
        assert f'<section id="{section}"' not in page
        assert f'href="#{section}"' not in page
    assert 'href="#convergence"' in page


def test_pairs_are_listed_with_their_ratios(results, synthetic, tmp_path):
    problem, ours, theirs = Component(name="x/p"), Component(name="x/<ours>"), Component(name="x/theirs")
    for optimizer, cost in ((ours, 10.0), (theirs, 20.0)):
        results.add(
            optimizer, problem, synthetic.events_of([1, 2], [5.0, 3.0]), evaluations_to_target={"relative:1e-05": cost}
        )
    pairing = Pairing(first=(ours,), second=(theirs,), targets=("relative:1e-05",))
    HtmlReporter(figures=False)(results.report(pairings=(pairing,)), tmp_path)
    page = (tmp_path / "index.html").read_text()
    section = page.split('<section id="pairs">')[1].split("</section>")[0]
    assert '<a href="#pairs">Pairs</a>' in page
    assert '<td class="n">0.500</td>' in section
    assert '<td class="n">1 : 1</td>' in section
    assert "&lt;ours&gt;" in section


def test_a_report_without_gates_has_no_section_for_them(folder):
    assert 'id="gates"' not in (folder / "index.html").read_text()


def test_weight(folder):
    shell = sum(path.stat().st_size for path in [folder / "index.html", *(folder / "static").rglob("*.*")])
    assert shell <= 150_000


def test_five_hundred_cells_load_in_less_than_600_kb(results, synthetic, tmp_path):
    trace = synthetic.events_of([1, 7, 30, 200], [5.0, 1.4, 1.0001, 1.0])
    for arm in range(20):
        for problem in range(25):
            hits = dict.fromkeys(synthetic.TARGETS, 1234.5)
            results.add(f"x/optimizer-{arm}", f"x/problem-{problem}", trace, f_star=1.0, evaluations_to_target=hits)
    HtmlReporter(figures=False)(results.report(), tmp_path)
    page = (tmp_path / "index.html").read_text()
    named = re.findall(r'(?:src|href)="((?:static|data)/[^"]+)"', page)
    assert len(named) > 20
    assert len(page) + sum((tmp_path / name).stat().st_size for name in named) < 600_000


def test_downloads_say_the_same_in_each_format(folder, report):
    pandas = pytest.importorskip("pandas")
    sheet = pandas.read_csv(folder / "downloads/cells.csv")
    columns = pandas.read_parquet(folder / "downloads/cells.parquet")
    assert list(sheet.columns) == list(columns.columns)
    assert len(sheet) == len(columns) == len(report.cells) * len(report.targets)
    assert sheet["evaluations_median"].sum() == pytest.approx(columns["evaluations_median"].sum())
    cell = report.cells[3]
    row = columns.iloc[3 * len(report.targets) + 1]
    assert (row["seeds"], row["hits"]) == (cell.seeds, cell.hits[1])
    assert json.loads((folder / "downloads/suite.json").read_text())["name"] == report.name
    assert "torch==2.13.0" in (folder / "downloads/constraints.txt").read_text().split()


def test_packages_of_other_plugins_are_pinned_and_named_for_who_measures_again(report):
    part = ReportPart(name="mine/fast", version="my-package 0.3.1")
    alone = ReportPart(name="file/method", version="")  # from a single file: no package to install
    first, *others = report.optimizers
    model = replace(report, optimizers=(replace(first, parts=(*first.parts, part, alone)), *others))
    pins = next(item for item in downloads(model, 1e-8) if item.name == "constraints.txt")
    assert "my-package==0.3.1" in pins.content.decode().split()
    assert replay(model).startswith("pip install -c downloads/constraints.txt my-package optbench\n")


def test_no_records(results, tmp_path):
    HtmlReporter()(results.report(), tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert "There is nothing to show yet." in page
    assert "data/cells.js" not in page


def test_only_failures(results, tmp_path):
    results.add("x/a", "x/p", status=Status.CRASHED, message="SIGSEGV")
    HtmlReporter()(results.report(), tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert "No trial reached any of the accuracies." in page
    assert "SIGSEGV" in page
    assert not (tmp_path / "figures").exists()


def many_optimizers(synthetic, families):
    results = synthetic.Results()
    for index, family in enumerate(families):
        name = f"x/o{index}"
        values = [5.0, 1.0 if index < COLOURED else 4.9]
        results.optimizer_info[name] = {"family": family}
        results.add(name, "x/p", synthetic.events_of([1, 2], values), f_star=1.0)
    return results.report()


@pytest.mark.parametrize("families", [["one"] * 14, [f"f{i}" for i in range(14)], ["a", "b"] * 7])
def test_the_best_twelve_have_looks_of_their_own_and_the_rest_is_grey(synthetic, families):
    looks = slots(many_optimizers(synthetic, families), 1e-5)
    assert len(set(looks[:COLOURED])) == COLOURED
    assert GREY not in looks[:COLOURED]
    assert looks[COLOURED:] == (GREY, GREY)


def test_where_nothing_is_drawn_of_all_only_optimizers_of_a_problem_need_different_looks(synthetic):
    results = synthetic.Results()
    for index in range(2 * COLOURED):
        for problem in (f"x/p{index // 6}", f"x/all{index // 12}"):
            results.add(f"x/o{index}", problem, synthetic.events_of([1, 2], [5.0, 1.0]), f_star=1.0)
    model = results.report()
    looks = slots(replace(model, ranking=False), 1e-5)
    assert looks[:COLOURED] == looks[COLOURED:]
    assert len(set(looks)) == COLOURED
    assert GREY not in looks
    assert slots(model, 1e-5).count(GREY) == COLOURED


def test_members_of_a_family_share_its_hue(synthetic):
    looks = slots(many_optimizers(synthetic, ["a", "b", "a"]), 1e-5)
    assert (looks[0], looks[2], looks[1]) == (HUES[0][0], HUES[0][1], HUES[1][0])


@pytest.mark.parametrize("slot", [*(slot for hue in HUES for slot in hue), GREY])
def test_lines_stand_out_from_both_cards(slot):
    assert contrast(slot.light, "#ffffff") >= 3
    assert contrast(slot.dark, "#181c22") >= 3


@pytest.mark.parametrize("slot", [*(slot for hue in HUES for slot in hue), GREY])
def test_names_in_the_colour_of_a_line_can_be_read(folder, slot):
    """Text needs 4.5:1 (WCAG 2, 1.4.3), so that names take some of the text's colour."""
    style = (folder / "static/report.css").read_text()
    share = (
        int(re.search(r"\.end-label { fill: color-mix\(in srgb, var\(--c, var\(--dim\)\) (\d+)%", style).group(1)) / 100
    )
    ink = re.search(r"--ink: light-dark\((#\w+), (#\w+)\)", style).groups()
    for colour, text, card in zip((slot.light, slot.dark), ink, ("#ffffff", "#181c22"), strict=True):
        parts = [(int(colour[i : i + 2], 16), int(text[i : i + 2], 16)) for i in (1, 3, 5)]
        mixed = "#" + "".join(f"{round(share * own + (1 - share) * other):02x}" for own, other in parts)
        assert contrast(mixed, card) >= 4.5


def test_page_and_figures_share_the_palette(report, folder):
    looks = slots(report, 1e-5)
    assert (folder / "static/palette.css").read_text() == stylesheet(looks)
    svg = (folder / "figures/profile.svg").read_text()
    assert all(look.light in svg for look in looks)


def test_who_wins_comes_first_where_a_suite_ranks_and_names_pairs_too(synthetic):
    results = synthetic.full_results(problems=2)
    first, second = [(item.use,) for item in results.optimizers][:2]
    model = results.report(pairings=(Pairing(first=first, second=second, targets=("relative:1e-08",)),))
    ids = [section.id for section in sections_of(model)]
    assert ids[:2] == ["overview", "pairs"]
    assert sections_of(replace(model, ranking=False))[0].id == "pairs"
