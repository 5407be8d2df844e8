"""The pages of a published folder: trends by machine, and no harm by names."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from optbench_reporters.html import HtmlReporter
from optbench_reporters.trends import machines

from optbench.records import Site, SiteRun, Standing

RUN = SiteRun(
    id="20260101T000000-quick-atlas-0123",
    suite="quick",
    title="Quick",
    started="2026-01-01T00:00:00+00:00",
    machine="atlas",
    fingerprint="f1",
    processor="a processor, 8 cores",
    libraries={"torch": "2.13"},
    commit="c" * 40,
    command="optbench suite quick",
    budget="1000 evaluations",
    target=1e-5,
    problems=("p", "q"),
    trials=10,
    failed=1,
    standings=(Standing(optimizer="lbfgs", key="q/lbfgs", solved=1.0, evaluations=100, seconds=0.1, state_bytes=80),),
    pages=("runs/x/index.html",),
)


def run(month: int, *, evaluations: float = 100.0, seconds: float = 0.1, **changes) -> SiteRun:
    standing = replace(RUN.standings[0], evaluations=evaluations, seconds=seconds)
    started = f"2026-{month:02}-01T00:00:00+00:00"
    return replace(RUN, id=f"{RUN.id}{month}", started=started, **({"standings": (standing,)} | changes))


def test_machines_have_tables_of_their_own_and_their_times_share_no_axis():
    found = machines([run(1), run(2, fingerprint="f2", seconds=9.0), run(3)])
    assert [[point.value for point in machine.rows[0].trends[3].points] for machine in found] == [[0.1, 0.1], [9.0]]


def test_only_runs_of_the_same_problems_and_budget_are_drawn():
    (machine,) = machines([run(1, problems=("p",)), run(2, budget="9 s"), run(3), run(4)])
    assert len(machine.runs) == 4
    assert [point.run.started[5:7] for point in machine.rows[0].trends[1].points] == ["03", "04"]


@pytest.mark.parametrize(
    ("after", "change", "sense"),
    [(110, "+10.0 %", "worse"), (50, "-50.0 %", "better"), (100, "same", ""), (100.5, "+0.5 %", "")],
)
def test_a_change_is_told_against_the_run_before(after, change, sense):
    (machine,) = machines([run(1, evaluations=900), run(2), run(3, evaluations=after)])
    trend = machine.rows[0].trends[1]
    assert (trend.change, trend.sense) == (change, sense)


def test_a_higher_share_of_solved_trials_is_better():
    rows = [replace(RUN.standings[0], solved=solved) for solved in (0.5, 0.75)]
    (machine,) = machines([run(month, standings=(row,)) for month, row in enumerate(rows, 1)])
    assert (machine.rows[0].trends[0].change, machine.rows[0].trends[0].sense) == ("+25 points", "better")


def test_what_stays_at_nothing_got_neither_better_nor_worse():
    (machine,) = machines([run(month, standings=(replace(RUN.standings[0], solved=0.0),)) for month in (1, 2)])
    assert (machine.rows[0].trends[0].change, machine.rows[0].trends[0].sense) == ("same", "")


def test_a_run_of_changed_files_is_told_from_one_of_the_commit(tmp_path):
    HtmlReporter().index(Site(title="t", runs=(run(1), run(2, commit="d" * 40 + "+"))), tmp_path)
    for page in (tmp_path / "index.html", tmp_path / "suites/quick.html"):
        text = page.read_text(encoding="utf-8")
        assert "<code>dddddddddd+</code>" in text
        assert "<code>cccccccccc</code>" in text


def test_lower_costs_lie_lower():
    (machine,) = machines([run(1, evaluations=400), run(2, evaluations=100)])
    heights = [float(y) for y in re.findall(r'cy="([\d.]+)"', machine.rows[0].trends[1].line)]
    assert heights[0] < heights[1]  # measured from above


def test_each_suite_has_a_page_and_every_link_leads_to_a_file(tmp_path):
    site = Site(
        title="Ours", runs=(run(1), run(2), replace(run(3), suite="../peers", title="Peers")), history="https://x.y/"
    )
    written = HtmlReporter().index(site, tmp_path)
    assert written[-1] == tmp_path / "index.html"
    assert {path.parent for path in written} <= {tmp_path, tmp_path / "suites", tmp_path / "static"}
    (tmp_path / "runs" / "x").mkdir(parents=True)
    (tmp_path / "runs" / "x" / "index.html").write_text("")
    for page in tmp_path.rglob("*.html"):
        for link in re.findall(r'href="([^"#:]+)"', page.read_text()):
            assert (page.parent / link).is_file(), f"{page}: {link}"


def test_suites_whose_names_differ_in_signs_only_have_two_pages(tmp_path):
    site = Site(title="Ours", runs=(replace(run(1), suite="a b"), replace(run(2), suite="a/b")))
    HtmlReporter().index(site, tmp_path)
    assert len(list((tmp_path / "suites").iterdir())) == 2


def test_no_name_does_harm(tmp_path):
    evil = "<script>alert(1)</script>"
    standings = (replace(RUN.standings[0], optimizer=evil),)
    runs = tuple(replace(run(month), machine=evil, title=evil, suite=evil, standings=standings) for month in (1, 2))
    for path in HtmlReporter().index(Site(title=evil, runs=runs), tmp_path):
        if path.suffix == ".html":
            assert "<script" not in path.read_text()


def test_a_folder_without_runs_says_so(tmp_path):
    *_, index = HtmlReporter().index(Site(title="Ours", runs=()), tmp_path)
    assert "Nothing is published yet" in index.read_text()
