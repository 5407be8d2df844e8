"""What may go wrong by design: the user's mistakes, refusals, and the end of a trial."""

from __future__ import annotations


class UserError(Exception):
    """The user's mistake, told in one line: what was given, what is allowed, what to do; exit code 2."""

    def __init__(self, given: str, allowed: str = "", remedy: str = "") -> None:
        """Keep the three parts; empty ones are left out of the line."""
        super().__init__(given, allowed, remedy)
        self.given, self.allowed, self.remedy = given, allowed, remedy

    def __str__(self) -> str:
        """Return the line."""
        return "; ".join(part for part in (self.given, self.allowed, self.remedy) if part)


class MissingData(UserError):  # noqa: N818 -- what it is says it
    """Data that are not on this machine, and how to get them."""


class Refused(Exception):  # noqa: N818 -- the contract's name
    """A meta-algorithm or optimizer needs what the problem or optimizer does not give.

    `optbench run` exits with 2; in a suite the trial is `skipped` with the message as its reason.
    """


class StopTrial(BaseException):
    """Raised by the oracle or by `observe` at the budget or the target; solvers never catch it."""


class UndeclaredEvaluation(Exception):  # noqa: N818 -- the contract's name
    """The optimizer asked the oracle for what its record does not declare: status `error`."""
