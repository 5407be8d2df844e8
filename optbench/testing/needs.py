"""Which checks apply to an optimizer, from what its record says it needs and declares. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Callable

from optbench.testing.subject import Subject

FROM_A_NET = frozenset({"blocks", "model", "data", "minibatches"})  # what the small net gives
_FROM_OPTIMIZERS = frozenset({"step-hook", "movable-point"})
_ORDER = re.compile(r"O\((1|(?:m )?n(?:\^(\d))?)\)")


def missing_need(subject: Subject) -> str:
    """Return which of the optimizer's needs no workload meets, as a reason; empty where all are met."""
    unmet = subject.record.needs - FROM_A_NET - _FROM_OPTIMIZERS
    return f"it needs {' and '.join(sorted(unmet))}, which no workload of the checks gives" if unmet else ""


def needs_quadratic(subject: Subject) -> str:
    """Return why the optimizer can't run on problems without data; empty where it can."""
    needs = subject.record.needs & FROM_A_NET
    return missing_need(subject) or (f"it needs {' and '.join(sorted(needs))}" if needs else "")


def declared_exponent(order: str) -> int | None:
    """Return the power of n in "O(1)", "O(n)", "O(m n)", "O(n^2)"; None for another order."""
    match = _ORDER.fullmatch(order)
    if match is None:
        return None
    return 0 if match[1] == "1" else int(match[2] or 1)


def order_is_checked(name: str) -> Callable[[Subject], str]:
    """Return the test whether the order in a field is one that is checked, on problems that scale."""

    def reason(subject: Subject) -> str:
        order = getattr(subject.record, name)
        unknown = "" if declared_exponent(order) is not None else f"{order} is no order that is checked"
        return needs_quadratic(subject) or unknown

    return reason
