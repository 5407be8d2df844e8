"""Which checks apply to a subject, from what its record says it needs and declares. Imports no torch."""

from __future__ import annotations

from optbench.api import Feature
from optbench.testing.subject import Subject

# What the small net gives.
FROM_A_NET: frozenset[Feature] = frozenset({"blocks", "model", "data", "minibatches", "difficulty"})
FROM_AN_OPTIMIZER: frozenset[Feature] = frozenset({"step-hook", "movable-point"})


def needs_of(subject: Subject) -> frozenset[Feature]:
    """Return what a meta-algorithm needs with the subject's options."""
    needs: frozenset[Feature] = subject.record.with_needs_of(subject.options).needs
    return needs


def missing_need(subject: Subject) -> str:
    """Return which of the optimizer's needs no workload meets, as a reason; empty where all are met."""
    unmet = subject.record.needs - FROM_A_NET - FROM_AN_OPTIMIZER
    return f"it needs {' and '.join(sorted(unmet))}, which no workload of the checks gives" if unmet else ""


def gives_movable_point(subject: Subject) -> str:
    """Return why nobody may move the optimizer's point; empty where it gives that."""
    return missing_need(subject) or ("" if "movable-point" in subject.record.gives else "it gives no movable-point")


def needs_quadratic(subject: Subject) -> str:
    """Return why the optimizer can't run on problems without data; empty where it can."""
    needs = subject.record.needs & FROM_A_NET
    return missing_need(subject) or (f"it needs {' and '.join(sorted(needs))}" if needs else "")
