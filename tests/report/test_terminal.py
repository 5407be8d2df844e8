"""The table in a terminal of 100 columns."""

import io

from rich.console import Console

from optbench.records import Component, Gate, Status
from optbench.report import gate_table, terminal_table


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
