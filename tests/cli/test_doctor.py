"""`doctor` prints the diagnosis as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from optbench.cli import doctor, main
from optbench.doctor import Diagnosis, Level, Line
from optbench.doctor.noise import noise_of

Capture = pytest.CaptureFixture[str]
Diagnose = Callable[..., list[float]]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Diagnose:
    """Return a function that sets the lines that are found; it returns the seconds that are asked for."""

    def make(*lines: Line) -> list[float]:
        asked: list[float] = []
        diagnosis = Diagnosis(lines, noise_of([(1e-3,) * 5]))
        monkeypatch.setattr(doctor, "examine", lambda seconds: asked.append(seconds) or diagnosis)
        return asked

    return make


FINE = Line("memory", Level.GOOD, "8 GiB [free]")
LOUD = Line("load", Level.BAD, "others use 3 of 4 " + "processors " * 20, "stop other programs")


def test_it_prints_levels_advice_and_the_verdict(found: Diagnose, capsys: Capture) -> None:
    found(FINE, LOUD)
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["good", "memory", "8", "GiB", "[free]"]
    assert any(line.strip() == "→ stop other programs" for line in lines)
    assert lines[-1] == "verdict: fit for counts and memory, not for times (1 good, 1 bad)"


def test_text_stays_within_the_terminal(found: Diagnose, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    found(FINE, LOUD)
    monkeypatch.setattr("optbench.cli._common._WIDE", 60)
    assert main(["doctor"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines()[:-1])) <= 60


def test_text_that_is_no_terminal_is_as_wide_as_asked(
    found: Diagnose, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(FINE, LOUD)
    monkeypatch.setenv("COLUMNS", "70")
    assert main(["doctor"]) == 0
    widths = list(map(len, capsys.readouterr().out.splitlines()[:-1]))
    assert 50 < max(widths) <= 70


def test_as_json_it_prints_one_object(found: Diagnose, capsys: Capture) -> None:
    asked = found(FINE, LOUD)
    assert main(["doctor", "--json", "--seconds", "3"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert asked == [3.0]
    assert data["verdict"] == "fit for counts and memory, not for times"
    assert data["lines"][1] == {"name": "load", "level": "bad", "seen": LOUD.seen, "advice": "stop other programs"}
    assert data["reference"]["median"] == 1e-3


@pytest.mark.parametrize(("lines", "code"), [((FINE,), 0), ((FINE, LOUD), 1)])
def test_strict_turns_an_unfit_machine_into_exit_code_1(
    found: Diagnose, capsys: Capture, lines: tuple[Line, ...], code: int
) -> None:
    found(*lines)
    assert main(["doctor", "--strict"]) == code


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "3601", "soon"])
def test_seconds_out_of_range_are_one_line_and_exit_code_2(found: Diagnose, capsys: Capture, seconds: str) -> None:
    assert not found(FINE)
    assert main(["doctor", "--seconds", seconds]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--seconds" in line
    assert seconds in line


def test_it_examines_this_machine(capsys: Capture) -> None:
    assert main(["doctor", "--seconds", "1", "--json"]) == 0
    printed = capsys.readouterr()
    data = json.loads(printed.out)
    assert data["reference"]["runs"] >= 5
    assert {line["level"] for line in data["lines"]} <= {"good", "warning", "bad", "unknown"}
    assert "watching this machine for 1 s" in printed.err
