"""The tables in a terminal of 100 columns, and in narrower ones."""

import io
from dataclasses import replace

from rich.console import Console

from optbench.records import Component, Gate, PairingResult, SolvedCount, Status
from optbench.report import comparison_table, gate_table, solved_table, terminal_table
from optbench.report.fitting import least_width


def printed(report, width=100, table=terminal_table):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(table(report))
    return console.export_text()


def test_a_row_tells_share_interval_classes_cost_and_memory(results, synthetic):
    results.problem_info["x/p"] = {"kind": "quadratic"}
    results.add(
        "x/a", "x/p", synthetic.events_of([1, 1500], [5.0, 1.0]), f_star=1.0, state_bytes=2048, evaluations=1500
    )
    (row,) = [line for line in printed(results.report()).splitlines() if line.strip().startswith("a ")]
    assert row.split() == ["a", "100", "%", "21–100", "1/1", "1,500", "1×", "1.5", "s", "2", "kB"]


def test_where_no_state_was_measured_there_is_no_column_for_it(results, synthetic):
    results.add("x/a", "x/p", synthetic.events_of([1, 1500], [5.0, 1.0]), f_star=1.0, evaluations=1500)
    text = printed(results.report())
    assert "slow" in text
    assert "state" not in text


def test_it_fits_into_100_columns(synthetic):
    assert max(map(len, printed(synthetic.full_results().report()).splitlines())) <= 100


def test_failures_and_notes_stand_below(synthetic):
    text = printed(synthetic.full_results().report())
    assert "Times of 72 of 216 trials are not to be believed" in text
    assert "bfgs on learning-3: error. LinAlgError: matrix is not positive definite" in text


def test_names_are_no_markup(results):
    results.add("x/a", "x/p", status=Status.ERROR, message="[bold]x[/bold] [/]")
    assert "[bold]x[/bold] [/]" in printed(results.report())


def test_no_records_give_an_empty_table_with_a_note(results):
    assert "no trial of this suite has been run" in printed(results.report())


def test_gates_are_a_table_that_says_why_one_failed(results, synthetic):
    problem, optimizer = Component(name="x/p"), Component(name="x/a")
    results.add(optimizer, problem, synthetic.events_of([1, 2], [5.0, 3.0]), f_star=1.0, evaluations=2)
    shared = {"statement": "[twice]", "problems": (problem,), "optimizers": ((optimizer,),), "quantity": "evaluations"}
    gates = (Gate(name="right", at_most=2.0, **shared), Gate(name="wrong", expected=3.0, tolerance=0.5, **shared))
    text = printed(results.report(gates=gates), table=gate_table)
    assert "1 of 2 gates passed" in text
    right, wrong, why = [line.split() for line in text.splitlines() if "right" in line or "wrong" in line]
    assert right == ["right", "≤", "2", "2", "–", "yes"]
    assert wrong == ["wrong", "3", "2", "0.5", "NO"]
    assert " ".join(why) == "• wrong: outside of what is allowed. [twice]"


def test_marks_stand_beside_doubtful_times_and_slowdowns_within_noise(results, synthetic):
    results.weights = {"gradient": 2.0}
    for seed in range(12):
        for name, cost in (("a", 100), ("b", 100 + (-1) ** seed * 20), ("c", 900)):
            trace = synthetic.events_of([1, cost], [5.0, 1.0])
            doubts = ("load: 3.0 processes on 2 processors",) if name == "c" else ()
            results.add(f"x/{name}", "x/p", trace, seed=seed, f_star=1.0, unreliable=doubts)
    text = printed(results.report())
    rows = {line.split()[0]: line for line in text.splitlines() if line.strip()[:1] in ("a", "b", "c")}
    assert {name: ("≈" in row, "†" in row) for name, row in rows.items() if name in "abc"} == {
        "a": (rows["a"].find("≈") > 0, False),
        "b": (rows["a"].find("≈") < 0, False),
        "c": (False, True),
    }
    assert "≈: within noise of the first." in text
    assert "by cost, too: gradient 2." in " ".join(text.split())


KINDS = ("quadratic", "convex", "least-squares", "nonconvex", "multimodal", "learning")


def many_kinds(results, synthetic):
    for kind in KINDS:
        results.problem_info[f"x/{kind}"] = {"kind": kind}
        trace = synthetic.events_of([1, 1500], [5.0, 1.0])
        results.add("x/optimizer", f"x/{kind}", trace, f_star=1.0, state_bytes=2048, evaluations=1500)
    return results.report()


def test_a_narrow_terminal_cuts_no_heading_and_is_told_what_is_left_out(results, synthetic):
    model = many_kinds(results, synthetic)
    for width in (60, 80, 100, 140):
        text = printed(model, width, lambda report, width=width: terminal_table(report, width))
        heading = next(line for line in text.splitlines() if "solved" in line and "evals" in line)
        assert "…" not in text
        assert max(map(len, text.splitlines())) <= width
        gone = [name for name in ("95 %", "state", "quad", "slow", "time") if name not in heading]
        below = " ".join(text.split()).partition("want of room")[2]
        assert all(name in below for name in gone), (width, gone)
        assert bool(below) == bool(gone)


def test_a_table_keeps_its_headings_at_its_least_width_and_not_much_below(results, synthetic):
    table = terminal_table(many_kinds(results, synthetic), 1000)
    headings = [str(column.header) for column in table.columns]
    assert "state" in headings
    for narrower, whole in ((0, True), (12, False)):
        text = printed(None, least_width(table) - narrower, lambda report: table)
        line = next(line for line in text.splitlines() if "95 %" in line)
        assert all(heading in line for heading in headings) == whole


def test_tests_of_pairs_have_room_in_80_columns(results):
    names = ("relative:1e-06", "relative:1e-10", "absolute-scaled:1e-10", "gradient:1e-06")
    counts = tuple(
        SolvedCount(optimizer="lbfgs(history=30)", test=name, problems=55, solved=49, missed=("a", "b"))
        for name in names
    )
    row = PairingResult(
        first="lbfgs(history=30)",
        second="scipy-l-bfgs-b(maxcor=30)",
        test=names[2],
        min_size=50,
        problems=55,
        solved_first=49,
        solved_second=46,
        both=45,
        ratio=1.234,
        low=1.012,
        high=1.512,
        verdict="slower",
    )
    model = replace(results.report(), solved=counts, comparisons=(row,))
    for table, headings in ((solved_table, ("optimizer", "absolute-scaled:")), (comparison_table, ("solved", "ratio"))):
        text = printed(model, 80, lambda report, table=table: table(report, 80))
        assert "…" not in text
        assert max(map(len, text.splitlines())) <= 80
        assert all(heading in text for heading in headings)
