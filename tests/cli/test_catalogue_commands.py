"""`list`, `show` and `plugins` tell what can be named, as tables and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from optbench.cli import main

Capture = pytest.CaptureFixture[str]


def parsed(capsys: Capture, *arguments: str) -> Any:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_list_prints_each_record_with_its_plugin(plugin: list[str], capsys: Capture) -> None:
    assert main(["list", "optimizers", *plugin]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("method")]
    for text in ("gradient, value", "O(m n)", "history=10", 'search="wolfe"', "A method [of ours].", "ours"):
        assert text in row


def test_list_as_json_has_every_field_of_a_record(plugin: list[str], capsys: Capture) -> None:
    method = parsed(capsys, "list", "optimizers", *plugin)[0]
    assert (method["name"], method["qualified"], method["plugin"]) == ("method", "ours/method", "ours")
    assert (method["summary"], method["cite"]) == ("A method [of ours].", "Somebody (1999)")
    assert method["evaluations"] == ["gradient", "value"]
    assert (method["needs"], method["gives"]) == ([], ["step-hook"])
    assert (method["state_memory"], method["peak_memory"], method["step_time"]) == ("O(m n)", "O(n)", "O(n)")
    history = method["options"]["history"]
    assert (history["type"], history["default"], history["low"], history["high"]) == ("int", 10, 1, None)
    assert (history["doc"], history["search"], history["choices"]) == ("pairs kept", "log", [])
    assert method["options"]["beta"]["choices"] == ["fr", "pr"]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("problems", ["same", "valley"]),
        ("metrics", ["f"]),
        ("suites", ["small"]),
        ("reporters", []),
        ("meta-algorithms", []),
    ],
)
def test_list_knows_every_kind(plugin: list[str], capsys: Capture, kind: str, names: list[str]) -> None:
    assert [item["name"] for item in parsed(capsys, "list", kind, *plugin)] == names


def test_show_tells_options_orders_citation_parts_and_suites(plugin: list[str], capsys: Capture) -> None:
    assert main(["show", "method", *plugin]) == 0
    shown = capsys.readouterr().out
    for text in (
        "A method [of ours].",
        "O(m n)",
        "host syncs    unbounded",
        "deterministic yes",
        "Somebody (1999)",
        "pairs kept",
        "≥ 1",
        "fr, pr",
        "Bracketing.",
        "small",
    ):
        assert text in shown


def test_show_tells_what_a_meta_algorithm_needs_with_which_options(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "shifting.py"
    file.write_text(
        "from optbench.api import MetaAlgorithmPlugin, Option, hookimpl\n"
        "@hookimpl\n"
        "def optbench_meta_algorithms():\n"
        "    way = Option(default='stay', doc='what to do', choices=('stay', 'move'))\n"
        "    needs = {'way': {'move': frozenset({'step-hook', 'movable-point'})}}\n"
        "    yield MetaAlgorithmPlugin(name='shift', factory='x:Y', summary='Shifts.', options={'way': way},\n"
        "        needs=frozenset({'model'}), needs_with=needs, extra_memory='O(n)')\n"
    )
    assert main(["show", "shift", "--plugin", str(file)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert "needs         model; movable-point, step-hook with way=move" in told
    assert "extra memory  O(n)" in told


def test_show_explains_the_options_of_parts(plugin: list[str], capsys: Capture) -> None:
    assert main(["show", "method", *plugin]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    (row,) = [row for row in rows if row[:1] == ["c2"]]
    assert row == ["c2", "0.9", "slope"]


def test_show_finds_what_an_option_takes(plugin: list[str], capsys: Capture) -> None:
    assert main(["show", "wolfe", *plugin]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "wolfe part Bracketing."
    assert "search of method" in lines
    assert "c2 0.9 float slope" in lines
    shown = parsed(capsys, "show", "wolfe", *plugin)
    (choice,) = shown["choices"]
    assert (shown["type"], choice["taken_by"]) == ("part", {"search": ["method"]})
    assert choice["options"]["c2"]["default"] == 0.9


def test_a_misspelt_part_is_suggested(plugin: list[str], capsys: Capture) -> None:
    assert main(["show", "wolf", *plugin]) == 2
    assert "nearest: wolfe" in capsys.readouterr().err


def test_show_as_json_names_the_kind_the_parts_and_the_suites(plugin: list[str], capsys: Capture) -> None:
    method = parsed(capsys, "show", "method", *plugin)
    assert (method["type"], method["qualified"], method["suites"]) == ("optimizers", "ours/method", ["small"])
    assert method["parts"]["search"]["wolfe"]["options"]["c2"]["default"] == 0.9
    assert parsed(capsys, "show", "f", *plugin)["suites"] == ["small"]
    assert parsed(capsys, "show", "valley", *plugin)["suites"] == ["small"]


def test_show_of_a_problem_tells_its_minima_with_every_digit(plugin: list[str], capsys: Capture) -> None:
    assert main(["show", "valley(depth=2.5)", *plugin]) == 0
    shown = {" ".join(line.split()) for line in capsys.readouterr().out.splitlines()}
    assert {
        "parameters 2",
        "f* -2.5 (best known)",
        "from start descent ends at 3.5",
        "other minima 3.5, 0.30000000000000004",
    } <= shown
    minima = parsed(capsys, "show", "valley", *plugin)["minima"]
    assert (minima["f_star"], minima["local_minima"]) == (-1.0, [3.5, 0.1 + 0.2])


def test_show_of_a_problem_that_can_not_be_built_tells_the_rest(plugin: list[str], capsys: Capture) -> None:
    assert main(["show", "problems/same", *plugin]) == 0
    shown = capsys.readouterr().out
    assert "One of two." in shown
    assert "it can't be built here" in shown


@pytest.mark.parametrize("text", ["valley(width=1)", "valley(depth=", "method(history=3)"])
def test_show_refuses_options_that_it_can_not_take(plugin: list[str], capsys: Capture, text: str) -> None:
    assert main(["show", text, *plugin]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_show_passes_over_a_suite_that_can_not_be_read(plugin: list[str], tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "small.toml").write_text("title = 3")
    assert parsed(capsys, "show", "method", *plugin)["suites"] == []


def test_show_of_a_suite_tells_what_it_would_run(plugin: list[str], capsys: Capture) -> None:
    suite = parsed(capsys, "show", "small", *plugin)
    assert (suite["type"], suite["trials"], suite["refused"]) == ("suites", 2, [])
    assert suite["spec"]["title"] == "Small"
    assert main(["show", "small", *plugin]) == 0
    assert "ours/valley" in capsys.readouterr().out


def test_show_of_a_suite_tells_its_budget_targets_sweep_and_gates(
    plugin: list[str], tmp_path: Path, capsys: Capture
) -> None:
    gate = """
[[gate]]
name = "{}"
statement = "at once"
problem = "valley"
optimizer = "method"
quantity = "steps"
at_most = 5
"""
    with (tmp_path / "small.toml").open("a") as file:
        file.write(gate.format("fast") + gate.format("faster"))
    assert main(["show", "small", *plugin]) == 0
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert {"budget 5 steps", "gates fast: at once", "faster: at once"} <= set(shown)
    assert any(line.startswith("targets relative:1e-01, ") for line in shown)


@pytest.mark.parametrize(("name", "kind"), [("problems/same", "problems"), ("optimizer/same", "optimizers")])
def test_show_takes_the_kind_before_the_name(plugin: list[str], capsys: Capture, name: str, kind: str) -> None:
    assert parsed(capsys, "show", name, *plugin)["type"] == kind


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("same", "'same' is a name of optimizers and of problems; write optimizers/same"),
        ("metod", "nothing is called 'metod'; nearest: method"),
        ("problems/valey", "unknown problem 'valey'; nearest: valley"),
    ],
)
def test_show_of_an_unclear_name_says_what_to_write(
    plugin: list[str], capsys: Capture, name: str, message: str
) -> None:
    assert main(["show", name, *plugin]) == 2
    assert message in capsys.readouterr().err


def test_plugins_tells_what_each_provides(plugin: list[str], capsys: Capture) -> None:
    (info,) = parsed(capsys, "plugins", "--strict", *plugin)["plugins"]
    assert info["name"] == "ours"
    assert info["counts"] == {"optimizers": 2, "problems": 2, "metrics": 1, "suites": 1}
    assert main(["plugins", *plugin]) == 0
    assert "2 optimizers, 2 problems, 1 metric, 1 suite" in capsys.readouterr().out


def test_a_suites_file_may_be_named_by_a_text(plugin: list[str], tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "ours.py"
    path.write_text(path.read_text().replace('path=HERE / "small.toml"', 'path=str(HERE / "small.toml")'))
    assert "small" in parsed(capsys, "show", "method", *plugin)["suites"]
    assert main(["show", "suites/small", *plugin]) == 0


def test_plugins_is_strict_about_what_is_broken_only_when_asked(
    plugin: list[str], tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "small.toml").unlink()
    assert main(["plugins", *plugin]) == 0
    assert "no file" in capsys.readouterr().out
    assert main(["plugins", "--strict", *plugin]) == 1
    capsys.readouterr()
    (broken,) = parsed(capsys, "plugins", *plugin)["broken"]
    assert (broken["plugin"], broken["where"]) == ("ours", "optbench_suites/small")


def test_list_warns_of_what_it_found_broken(plugin: list[str], tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "small.toml").unlink()
    assert main(["list", "suites", *plugin]) == 0
    assert "broken: ours" in capsys.readouterr().err


def test_a_broken_plugin_file_is_the_users_mistake(plugin: list[str], tmp_path: Path, capsys: Capture) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("1 / 0", encoding="utf-8")
    assert main(["list", "problems", *plugin, "--plugin", str(broken)]) == 2
    assert "line 1: ZeroDivisionError" in capsys.readouterr().err


def test_a_name_that_blocks_nothing_is_told(plugin: list[str], capsys: Capture) -> None:
    assert main(["list", "problems", *plugin, "--block", "no-such-plugin"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("optbench: --block no-such-plugin: ")


def test_a_narrow_terminal_leaves_columns_out_and_says_which(
    plugin: list[str], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optbench.cli._common._WIDE", 70)
    assert main(["list", "optimizers", *plugin]) == 0
    printed = capsys.readouterr()
    header = next(line for line in printed.out.splitlines() if "summary" in line)
    left_out = printed.err.partition(":")[0].split(", ")
    assert left_out[0] == "options"
    assert set(header.split()) | set(left_out) == {
        "optimizers", "evaluates", "state", "step", "options", "summary", "plugin",
    }  # fmt: skip
    assert max(map(len, printed.out.splitlines())) <= 70


def test_a_wide_terminal_shows_every_column(plugin: list[str], capsys: Capture) -> None:
    assert main(["list", "optimizers", *plugin]) == 0
    assert capsys.readouterr().err == ""
