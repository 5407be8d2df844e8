"""The command line starts fast, tells mistakes in one line and keeps to its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType

import click
import pytest

import optbench
from optbench import cli
from optbench.api import UserError
from optbench.cli import main

HEAVY = {"torch", "pandas", "seaborn", "scipy", "sklearn", "sqlalchemy", "matplotlib"}
CLI_ONLY = {"rich", "pluggy", "pydantic", "numpy"}


def imported(*arguments: str) -> set[str]:
    """Return the top-level modules in memory after a command ran in a fresh process."""
    code = (
        "import json, sys; from optbench.cli import main; "
        f"code = main({list(arguments)!r}); "
        "sys.stderr.write(json.dumps(sorted(name.partition('.')[0] for name in sys.modules))); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_help_imports_nothing_heavy() -> None:
    assert not imported("--help") & (HEAVY | CLI_ONLY)


@pytest.mark.parametrize("kind", ["optimizers", "problems", "suites"])
def test_lists_import_no_numerical_library(kind: str) -> None:
    assert not imported("list", kind) & HEAVY


def test_every_command_has_a_summary_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in cli.COMMANDS)


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "Usage: optbench" in capsys.readouterr().out


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip().endswith(optbench.__version__)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lst"], "unknown command 'lst'; nearest: list"),
        (["zzz"], "unknown command 'zzz'; commands: suite, run"),
        (["list"], "KIND"),
        (["list"], "see `optbench list --help`"),
        (["data", "fetch"], "Missing argument 'NAME'; see `optbench data fetch --help`"),
        (["list", "optimisers"], "optimizers"),
        (["plugins", "--strickt"], "--strict"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_a_wrong_usage_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("optbench: ")
    assert message in line


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return a function that makes `body` a command, `fake` unless named, and returns the arguments that run it."""

    def make(body: Callable[[], object], name: str = "fake") -> list[str]:
        module = ModuleType("fake_command")
        module.command = click.command(name)(body)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "fake_command", module)
        monkeypatch.setattr(cli, "COMMANDS", {**cli.COMMANDS, name: ("fake_command", "A fake.")})
        return [name]

    return make


Command = Callable[..., list[str]]


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (1, 1)])
def test_what_a_command_returns_is_the_exit_code(command: Command, result: int | None, code: int) -> None:
    assert main(command(lambda: result)) == code


def test_a_users_mistake_is_one_line_and_exit_code_2(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    def body() -> None:
        raise UserError("given this", "allowed: that", "do so")

    assert main(command(body)) == 2
    assert capsys.readouterr().err == "optbench: given this; allowed: that; do so\n"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("suite", "optbench: interrupted; finished trials are stored, the same command continues\n"),
        ("doctor", "optbench: interrupted\n"),
    ],
)
def test_an_interrupt_is_exit_code_130_and_what_is_kept_is_told(
    command: Command, capsys: pytest.CaptureFixture[str], name: str, told: str
) -> None:
    def body() -> None:
        raise KeyboardInterrupt

    assert main(command(body, name)) == 130
    assert capsys.readouterr().err.lstrip() == told


def test_our_bug_is_a_traceback_and_exit_code_3(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    def body() -> None:
        message = "a bug"
        raise RuntimeError(message)

    assert main(command(body)) == 3
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "RuntimeError: a bug" in shown


def in_closed_pipe(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run optbench with a stdout that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    code = f"import sys; from optbench.cli import main; sys.exit(main({list(arguments)!r}))"
    done = subprocess.run([sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    return done


@pytest.mark.parametrize(
    "arguments", [["--help"], ["list", "--help"], ["list", "suites"], ["list", "suites", "--json"]], ids=" ".join
)
def test_a_closed_pipe_ends_a_command_quietly(arguments: list[str]) -> None:
    done = in_closed_pipe(*arguments)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_command_that_leaves_by_itself_is_no_closed_pipe(command: Command) -> None:
    with pytest.raises(SystemExit, match="5"):
        main(command(lambda: sys.exit(5)))
