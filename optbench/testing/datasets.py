"""The table of what is checked of every data set. Imports neither torch nor numpy."""

from __future__ import annotations

from collections.abc import Callable

from optbench.testing.deferred import deferred
from optbench.testing.framework import Check, Subject


def _behaviour(function: str) -> Callable[[Subject], None]:
    return deferred("datasets_behaviour", function)


def states_sizes(subject: Subject) -> str:
    """Tell why a record says nothing of sizes."""
    record = subject.record
    return "" if record.examples or record.shape or record.classes else "it states no sizes"


def is_generated(subject: Subject) -> str:
    """Tell why no seed draws a data set."""
    return "" if subject.record.generated else "it is not generated"


DATA_SET_CHECKS: tuple[Check, ...] = (
    Check("parts-fit", "Each part has as many inputs as targets, and all have one form.", _behaviour("check_parts")),
    Check("numbers-are-finite", "No array holds what is no finite number.", _behaviour("check_finite")),
    Check("classes-in-range", "Targets that are integers are classes 0, 1, …", _behaviour("check_classes")),
    Check("parts-share-no-example", "No part has an example of another's.", _behaviour("check_disjoint")),
    Check("making-repeats", "Made twice, it is the same, bit for bit.", _behaviour("check_repeats")),
    Check(
        "seed-draws-others",
        "Another seed of a generated set draws other examples.",
        _behaviour("check_seed"),
        is_generated,
    ),
    Check(
        "sizes-as-stated",
        "With its default options it has the examples, shape and classes that its record states.",
        _behaviour("check_sizes"),
        states_sizes,
    ),
    Check(
        "leaves-global-random-state",
        "Random numbers come from the given streams: no global generator is seeded or used.",
        _behaviour("check_global_randomness"),
    ),
)
