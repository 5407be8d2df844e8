"""The command line: a table of commands, each in a module of its own that is imported when it runs."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

from optbench import __version__

COMMANDS: Mapping[str, tuple[str, str]] = {
    "suite": ("optbench.cli.suite", "Run a suite, print its table and write its report."),
    "run": ("optbench.cli.run", "Run one trial and show its curve."),
    "list": (
        "optbench.cli.list_",
        "List optimizers, problems, initializers, data sets, suites or what else has a name.",
    ),
    "show": ("optbench.cli.show", "Show what one name stands for: options, orders, citation, suites."),
    "data": ("optbench.cli.data", "List data sets, fetch them, or tell where they are cached."),
    "check": ("optbench.cli.check", "Check that optimizers, problems and meta-algorithms are sound."),
    "plugins": ("optbench.cli.plugins_", "Show the installed plugins, and what is broken in them and why."),
    "report": ("optbench.cli.report", "Write reports from stored results."),
    "compare": ("optbench.cli.compare", "Tell what got better or worse between two runs, stores or optimizers."),
    "export": ("optbench.cli.export", "Write a stored run as Parquet, CSV, or results of asv."),
    "publish": ("optbench.cli.publish", "Add runs to a site of many: an index, trends, a report for each."),
    "tuned": ("optbench.cli.tuned", "Write the settings that a suite's tuning found, for suites that don't tune."),
    "doctor": ("optbench.cli.doctor", "Tell whether this machine is fit to measure on, and what to do about it."),
}
_STORING = {"suite"}  # commands that keep what they have when they are interrupted
_INTERRUPTED = 130
_UNREAD = 128 + 13  # as if SIGPIPE had ended the process


class _UnreadError(Exception):
    """Nobody reads the output any more."""


@contextmanager
def _telling_unread() -> Iterator[None]:
    """Raise `_UnreadError` where a pipe is closed; click and rich would leave with 1, as if a gate had failed."""
    try:
        yield
    except BrokenPipeError as error:
        raise _UnreadError from error
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # rich's way out
            raise _UnreadError from error
        raise


class _LazyGroup(click.Group):
    """A group that knows its commands and their summaries without importing them."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _telling_unread():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _telling_unread():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command = module.command
        if not isinstance(command, click.Command):
            message = f"{module.__name__}.command is no click command"
            raise TypeError(message)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.ClickException(_unknown_command(args[0]))
        return super().resolve_command(ctx, args)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="optbench")
def cli() -> None:
    """Measure optimizers and training meta-algorithms: time, memory, convergence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0: done, 1: a gate failed, 2: the user's mistake (one line on stderr), 3: our bug (traceback), 130: interrupted,
    141: nobody reads the output any more, as in `optbench list optimizers | head -1`.
    """
    if "" not in sys.path:
        sys.path.append("")  # modules of the working directory, for `module:Class`; last, so that they shadow nothing
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        result: Any = cli.main(given or ["--help"], "optbench", standalone_mode=False)
        with _telling_unread():
            sys.stdout.flush()
    except click.ClickException as error:
        return _complain(_sentence(error))
    except (click.Abort, KeyboardInterrupt):
        kept = "; finished trials are stored, the same command continues" if {*given[:1]} & _STORING else ""
        click.echo(f"optbench: interrupted{kept}", err=True)
        return _INTERRUPTED
    except _UnreadError:
        return _leave_quietly()
    except Exception as error:  # noqa: BLE001 -- the last line of defence: what isn't the user's mistake is our bug
        return _failed(error)
    return result if isinstance(result, int) else 0


def _leave_quietly() -> int:
    """Let what is still to be written, at the interpreter's exit, too, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return _UNREAD


def _failed(error: Exception) -> int:
    from optbench.api.errors import Refused, UserError

    if isinstance(error, UserError | Refused):
        return _complain(str(error))
    traceback.print_exception(error)
    return 3


def _sentence(error: click.ClickException) -> str:
    """Return click's message in one line, with where to read on."""
    message = " ".join(error.format_message().split())
    if not (isinstance(error, click.UsageError) and error.ctx) or message.endswith("?"):  # which suggests something
        return message
    return f"{message.removesuffix('.')}; see `{error.ctx.command_path} --help`"


def _complain(message: str) -> int:
    click.echo(f"optbench: {message}", err=True)
    return 2


def _unknown_command(given: str) -> str:
    from optbench.records.nearest import suggestion

    hint = suggestion(given, COMMANDS) or f"commands: {', '.join(COMMANDS)}"
    return f"unknown command {given!r}; {hint}"
