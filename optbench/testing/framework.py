"""What a conformance check is, and what it finds; `optbench.testing.judging` runs and judges them.

A check looks at one `Subject` (a plugin's record with its options) and raises `CheckFailed` with a message that says
what was expected, what was seen and, where that can be known, the line of the plugin. Tables of checks are tuples of
`Check`; `optbench.testing.collection` says which table belongs to which kind of plugin. Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from optbench.api.errors import MissingData
from optbench.testing.subject import Subject

__all__ = ["Check", "CheckFailed", "DoesNotApply", "Finding", "Status", "Subject", "attempt", "require"]

Status = Literal["ok", "failed", "expected failure", "not applicable"]


class CheckFailed(AssertionError):  # noqa: N818 -- a verdict, not an error of the kit
    """A plugin does not do what its kind, or its own record, promises."""


class DoesNotApply(Exception):  # noqa: N818 -- no error
    """Raised by a check that finds, once it has built the plugin, that it has nothing to look at; says why."""


def require(holds: object, message: str) -> None:
    """Raise CheckFailed with the message unless `holds`."""
    if not holds:
        raise CheckFailed(message)


def always(_: Subject) -> str:
    """Apply to every subject."""
    return ""


@dataclass(frozen=True)
class Check:
    """One promise, and how to test it.

    `run` may import and execute the plugin: it is called in a process of its own. `applies` reads the record only; it
    returns why the check does not apply, or an empty text.
    """

    name: str  # lower-case, hyphens; what `expected_failures` and `--only` name
    summary: str  # one sentence: what a sound plugin does
    run: Callable[[Subject], None]
    applies: Callable[[Subject], str] = always
    builds: bool = False  # whether it builds the plugin: where it fails, no later check is run
    of_module: bool = False  # whether it looks at the module with the hooks alone: one test for all of its records


@dataclass(frozen=True)
class Finding:
    """How one check of one subject went."""

    check: str
    summary: str
    status: Status
    message: str = ""  # of a failure, expected or not; or why the check does not apply

    @property
    def failed(self) -> bool:
        """Whether the plugin is at fault."""
        return self.status == "failed"


def attempt(check: Check, subject: Subject) -> Finding:
    """Run one check here; whatever it raises is a failure."""
    from optbench.testing.blame import described, located

    try:
        check.run(subject)
    except KeyboardInterrupt:
        raise
    except (DoesNotApply, MissingData) as reason:
        return Finding(check.name, check.summary, "not applicable", str(reason))
    except CheckFailed as failure:
        return Finding(check.name, check.summary, "failed", located(str(failure), subject))
    except BaseException as error:  # noqa: BLE001 -- a plugin may raise anything, even StopTrial or SystemExit
        return Finding(check.name, check.summary, "failed", located(f"raised {described(error, subject)}", subject))
    return Finding(check.name, check.summary, "ok")
