"""Names that want to be scripts, formulas, commands or paths stay names; stores with little in them say so."""

import csv
import html
import io
import re
import shutil
import subprocess
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from optbench_reporters.html import HtmlReporter
from optbench_reporters.latex import latex_text
from optbench_reporters.tables import Table, csv_text, harmless, results_latex

from optbench.records import Component, Status

SCRIPT = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://x";"y")'
PATH = "../../../etc/passwd"
# Ends a script in HTML and a line in a script, turns the direction of what follows, is longer than a file name may be.
ODD = "</script><script>alert(1)</script>\u2028\u2029\u202e\u05d0\u0628 \U0001f600 " + "long " * 60
COMMAND = r"\input{secret} $x_1$ 5 % & #1 ~ ^"
NAMES = (SCRIPT, FORMULA, PATH, COMMAND, "_hidden", "+1", "@x", "-2", '" onmouseover="alert(1)', "'; alert(1); //", ODD)


@pytest.fixture(scope="module")
def report(synthetic):
    """Return a report whose every name wants to do harm: as optimizer, problem, option, metric, message."""
    results = synthetic.Results()
    for index, name in enumerate(NAMES):
        about = {"family": name, "summary": name, "cite": name, "version": name, "docs": {name: name}}
        optimizer = Component(name=f"x/{name}", options={name: name})
        problem = Component(name=f"y/{name}", options={"path": name})
        results.optimizer_info[optimizer.name] = about
        results.problem_info[problem.name] = {**about, "kind": name}
        trace = synthetic.events_of([1, 2 + index], [5.0, 1.0])
        results.add(optimizer, problem, trace, f_star=1.0, metrics={name: 1.0}, seed=1)
        results.add(optimizer, problem, status=Status.ERROR, message=name, seed=2)
    model = results.report(command=SCRIPT, created=SCRIPT)
    machine = replace(model.environment, machine=ODD, cpu=SCRIPT, commit=SCRIPT, libraries={SCRIPT: ODD})
    return replace(model, title=SCRIPT, summary=ODD, notes=NAMES, suite_file=SCRIPT, environment=machine)


@pytest.fixture(scope="module")
def folder(report, tmp_path_factory):
    path = tmp_path_factory.mktemp("evil") / "deep" / "er"
    HtmlReporter()(report, path)
    return path


def test_no_file_lies_outside_or_has_a_name_of_another_kind(folder):
    outside = [path for path in folder.parent.parent.rglob("*") if path.is_file() and not path.is_relative_to(folder)]
    assert outside == []
    assert all(re.fullmatch(r"\.?[a-z0-9][\w.-]*", path.name) for path in folder.rglob("*"))


def test_no_page_and_no_figure_holds_the_script(folder):
    written = [path for kind in ("html", "svg") for path in folder.rglob(f"*.{kind}")]
    assert len(written) > 25
    assert [path for path in written if SCRIPT in path.read_text()] == []
    assert html.escape(SCRIPT) in (folder / "index.html").read_text()
    for path in folder.glob("figures/*.svg"):
        tags = {element.tag.rpartition("}")[2] for element in ET.parse(path).iter()}
        assert not tags & {"script", "a", "foreignObject"}


def test_data_cannot_end_their_script(folder):
    for path in folder.glob("data/*.js"):
        assert path.read_text().startswith("OB.put(")
        assert "</script" not in path.read_text().lower()


def test_no_cell_of_csv_is_a_formula(folder):
    for name in ("results.csv", "cells.csv"):
        rows = list(csv.reader(io.StringIO((folder / "downloads" / name).read_text())))
        assert len(rows) > len(NAMES)
        texts = [cell for row in rows[1:] for cell in row if not re.fullmatch(r"-?[\d.e+-]*", cell)]
        assert texts
        assert [text for text in texts if text.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


def test_csv_keeps_numbers_and_marks_texts_that_begin_like_formulas():
    assert [harmless(value) for value in (-1.5, "=1", "a=1", None)] == [-1.5, "'=1", "a=1", None]
    assert csv_text(Table(["a"], [["=1,2"], [-2]])) == 'a\n"\'=1,2"\n-2\n'


def test_latex_prints_names_as_they_are(report):
    text = results_latex(report, "evaluations", 1e-8)
    assert r"\input" not in text
    assert r"\textbackslash{}input\{secret\} \$x\_1\$ 5 \% \& \#1 \textasciitilde{} \textasciicircum{}" in text
    assert latex_text("a\nb\x0cc\u202ed\ud800") == "a b c d "
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {line.replace(r"\&", "").count("&") for line in rows} == {4}


@pytest.mark.parametrize(
    ("letters", "printed"),
    [
        ("é ü ß", "é ü ß"),
        ("1∕2 − ½", r"1/2 \(-\) \(\frac12\)"),
        ("λ ΔΑ ς ά", r"\(\lambda\) \(\Delta\)\(\mathrm{A}\) \(\varsigma\) \(\alpha\)"),
        ("Ą ﬁ ỹ", "A fi y"),
        ("中🙂Ж", "U+4E2DU+1F642U+0416"),
        ('x="y"', r"x=\char34{}y\char34{}"),
        ("[2] *", "{[}2] {*}"),
    ],
)
def test_latex_needs_no_letter_that_its_plain_font_lacks(letters, printed):
    assert latex_text(letters) == printed


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_pdflatex_prints_every_letter(tmp_path):
    letters = [chr(code) for code in range(0x20, 0x2600)]
    rows = "".join(rf"{latex_text(letter)} & \\" "\n" for letter in letters)
    source = r"\documentclass{article}\usepackage{longtable}\begin{document}\begin{longtable}{ll}" "\n" + rows
    (tmp_path / "all.tex").write_text(source + r"\end{longtable}\end{document}", encoding="utf-8")
    command = ["pdflatex", "-draftmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.browser
def test_nothing_runs_on_any_page(visit, folder):
    others = [f"{path.parent.name}/{path.name}" for path in sorted(folder.glob("*/*.html"))]
    for name in ("index.html", *others[::4]):  # the other test reads them all
        page = visit(folder, name=name)
        page.evaluate("() => { window.alert = () => { throw new Error('alert ran'); }; }")
        if name == "index.html":
            page.evaluate("OB.drawAll()")
            page.wait_for_selector("#conv .line")
            page.wait_for_selector("#multiples .panel")
            for details in page.locator("details[data-table]").all():
                details.evaluate("element => { element.open = true }")
            page.locator("#heat td[tabindex='0']").focus()
            page.keyboard.press("ArrowRight")
        assert page.locator("main script, aside script, main [onmouseover], aside [onmouseover]").count() == 0
        assert SCRIPT in page.inner_text("body")


@pytest.mark.browser
def test_long_names_do_not_widen_a_phones_page(visit, folder):
    for name in ("index.html", next(f"problems/{path.name}" for path in folder.glob("problems/*long*.html"))):
        page = visit(folder, name=name, viewport={"width": 390, "height": 800})
        if name == "index.html":
            page.evaluate("OB.drawAll()")
            page.wait_for_selector("#multiples .panel")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.browser
def test_csv_from_the_page_holds_no_formula(visit, folder, tmp_path):
    page = visit(folder)
    page.evaluate("OB.drawAll()")
    page.wait_for_selector("#table [data-sort]")
    with page.expect_download() as download:
        page.click("[data-csv=table]")
    download.value.save_as(tmp_path / "table.csv")
    names = [row[0] for row in csv.reader(io.StringIO((tmp_path / "table.csv").read_text()))][1:]
    assert len(names) == len(NAMES)
    assert not any(name.startswith(("=", "+", "-", "@")) for name in names)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("seeds", "missing", "says"), [(1, 0, "1 seed"), (2, 0, "2 seeds are too few"), (3, 2, "Partly finished: 1 of 3")]
)
def test_little_is_said_to_be_little(visit, synthetic, tmp_path, seeds, missing, says):
    results = synthetic.Results()
    for seed in range(seeds):
        for arm in ("x/a", "x/b") if seeds == 2 else ("x/a",):
            if seed < seeds - missing:
                results.add(arm, "x/p", synthetic.events_of([1, 2], [5.0, 1.0]), f_star=1.0, seed=seed)
            else:
                results.add(arm, "x/p", status=Status.SKIPPED, reason="no result", seed=seed)
    HtmlReporter(figures=False)(replace(results.report(), missing=missing), tmp_path)
    page = visit(tmp_path)
    page.evaluate("OB.drawAll()")
    page.wait_for_selector("#conv .line")
    assert says in re.sub(r"\s+", " ", page.inner_text("main"))
    assert not re.search(r"NaN|undefined|Infinity", page.inner_html("main"))
