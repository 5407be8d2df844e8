"""What the records of this package's methods have in common: their options, and what they say of a class of torch's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optbench.api import OptimizerPlugin, Option
from optbench.numerics.schedules import SCHEDULE

MAXIMIZE = Option(default=False, doc="climb instead of descending")
BETAS = Option(default=[0.9, 0.999], doc="decay of the running means of the gradient and of its square", low=0, high=1)
DECOUPLED = Option(default=False, doc="let weight_decay shrink the parameters, as in AdamW, not a part of the gradient")


def rate(default: float, low: float, high: float) -> Option:
    """Return the learning rate, with the range where tuning begins to look."""
    return Option(default=default, doc="learning rate", low=0.0, search="log", span=(low, high))


def epsilon(default: float, doc: str = "added to the root of the mean square") -> Option:
    """Return what keeps a division finite."""
    return Option(default=default, doc=doc, low=0.0)


def decay(default: float = 0.0, doc: str = "L2 penalty, as a part of the gradient") -> Option:
    """Return the weight decay; `doc` says how it acts."""
    return Option(default=default, doc=doc, low=0.0)


def of_torch(
    name: str,
    factory: str,
    summary: str,
    options: Mapping[str, Option],
    cite: str,
    **claims: Any,
) -> OptimizerPlugin:
    """Return the record of a class; with each one climbing and a schedule are options."""
    return OptimizerPlugin(
        name=name,
        factory=factory,
        summary=summary,
        options={**options, "maximize": MAXIMIZE, "schedule": SCHEDULE},
        cite=cite,
        evaluations=frozenset({"gradient"}),
        gives=frozenset({"step-hook", "movable-point"}),
        **{"host_syncs": 0, **claims},
    )


def means(lr: float) -> dict[str, Option]:
    """Return the options of a method that keeps running means of the gradient and of its square."""
    return {"lr": rate(lr, 1e-4, 0.1), "betas": BETAS, "eps": epsilon(1e-8), "weight_decay": decay()}
