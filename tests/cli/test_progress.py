"""What takes long is told on a terminal, and nowhere else."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest

from optbench.api import announce
from optbench.api.progress import listening, within
from optbench.cli import main
from optbench.cli._progress import activity

Write = Callable[..., str]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, *, quiet: bool) -> str:
    """Return what a terminal gets to see of an activity, and of what is announced after it."""
    screen = _Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", screen)  # not in a fixture: pytest replaces it after these
    with activity(quiet=quiet):
        announce("drawing [b]x[/b]")
    announce("after")
    return screen.getvalue()


def test_a_terminal_shows_what_is_announced_as_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = shown(monkeypatch, quiet=False)
    assert "drawing [b]x[/b]" in seen
    assert "after" not in seen


def test_nothing_is_shown_where_silence_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, quiet=True) == ""


def test_nothing_is_shown_where_stderr_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with activity():
        announce("drawing")
    assert capfd.readouterr() == ("", "")


def test_a_part_is_told_with_its_whole_until_that_is_done() -> None:
    heard: list[str] = []
    with listening(heard.append):
        with within("run 2 of 3"):
            announce("drawing")
        announce("writing")
    announce("unheard")
    assert heard == ["run 2 of 3: drawing", "writing"]


def test_the_report_tells_each_of_its_parts(write: Write) -> None:
    heard: list[str] = []
    store = write("a.sqlite")
    with listening(heard.append):
        assert main(["report", "--store", store]) == 0
    assert heard[:3] == ["reading the results of run 1", "scoring 24 trials", "reading the curves of 24 trials"]


def test_publishing_tells_of_which_run(write: Write) -> None:
    for _ in range(2):
        write("a.sqlite")
    heard: list[str] = []
    with listening(heard.append):
        assert main(["publish", "site", "--store", "a.sqlite", "--run", "1", "--run", "2"]) == 0
    assert {"writing run 1 as a shard", "writing run 2 as a shard"} <= {*heard}
    assert [text for text in heard if "reading the curves" in text] == [
        f"run {number} of 2: reading the curves of 24 trials" for number in (1, 2)
    ]
