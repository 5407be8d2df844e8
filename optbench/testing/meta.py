"""The table of what is checked of every meta-algorithm. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable

from optbench.testing.deferred import deferred
from optbench.testing.framework import Check, Subject
from optbench.testing.needs import FROM_A_NET, FROM_AN_OPTIMIZER, needs_of


def needs_are_met(subject: Subject) -> str:
    """Tell what it needs and no recipe of the checks gives."""
    unmet = sorted(needs_of(subject) - FROM_A_NET - FROM_AN_OPTIMIZER)
    return f"it needs {' and '.join(unmet)}, which no recipe of the checks gives" if unmet else ""


def needs_something(subject: Subject) -> str:
    """Tell whether there is a recipe that it must refuse."""
    return "" if needs_of(subject) & FROM_A_NET else "it needs nothing of a problem"


def _behaviour(function: str) -> Callable[[Subject], None]:
    return deferred("meta_behaviour", function)


META_CHECKS: tuple[Check, ...] = (
    Check(
        "gives-a-recipe",
        "What comes back is a recipe of stages that can be run, or a refusal in so many words.",
        _behaviour("check_recipe"),
        needs_are_met,
    ),
    Check("shares-sum-to-one", "The stages share the whole budget.", _behaviour("check_shares"), needs_are_met),
    Check(
        "leaves-its-recipe-alone",
        "The given recipe, its problem and its optimizer stay as they were.",
        _behaviour("check_input"),
        needs_are_met,
    ),
    Check(
        "refuses-what-it-can-not-do",
        "A recipe without what it needs is refused with a message.",
        _behaviour("check_refusal"),
        needs_something,
    ),
    Check(
        "composes",
        "With another meta-algorithm before or after it, or with itself, it gives a sound recipe or refuses.",
        _behaviour("check_composition"),
        needs_are_met,
    ),
    Check(
        "repeats-bitwise",
        "One seed gives one run, bit for bit.",
        _behaviour("check_repeats"),
        needs_are_met,
    ),
    Check(
        "tensors-start-alike",
        "Tensors that a problem has with it and without start alike: arms of a comparison stay paired.",
        _behaviour("check_pairing"),
        needs_are_met,
    ),
    Check(
        "extra-memory-as-declared",
        "With it the peak of live bytes grows with n at most as declared.",
        deferred("meta_memory", "check_memory"),
        needs_are_met,
    ),
    Check(
        "costs-are-counted",
        "Every evaluation of the objective goes through the oracle.",
        _behaviour("check_costs"),
        needs_are_met,
    ),
    Check(
        "readout-changes-nothing",
        "A readout looks on: the iterates are the same without it, and it keeps none of their tensors.",
        _behaviour("check_readout"),
        needs_are_met,
    ),
    Check(
        "leaves-global-random-state",
        "Random numbers come from the given streams: no global generator is seeded or used.",
        _behaviour("check_global_randomness"),
        needs_are_met,
    ),
    Check(
        "stays-on-the-device",
        "What it makes runs on any device.",
        _behaviour("check_device"),
        needs_are_met,
    ),
)
