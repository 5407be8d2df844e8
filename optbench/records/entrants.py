"""What a report is about: optimizers and problems, with the options that they ran with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ReportOption:
    """An option as it ran."""

    name: str
    value: str
    default: str = ""  # empty: not known
    doc: str = ""


@dataclass(frozen=True, kw_only=True)
class ReportPart:
    """A plugin in an optimizer or a problem."""

    name: str  # qualified
    summary: str = ""
    cite: str = ""
    version: str = ""  # of what it is distributed in: "optbench 1.2"; empty: not installed any more
    options: tuple[ReportOption, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReportOptimizer:
    """An optimizer with its options and meta-algorithms: one line of each figure."""

    id: str  # unique, safe in file names and addresses
    label: str  # short: only what tells it from the others
    expression: str  # everything: parses to the optimizer again
    family: str
    summary: str = ""
    cite: str = ""
    state_memory: str = ""  # as declared, "O(n)"
    gradients: bool = True  # False: no run asked for a gradient
    parts: tuple[ReportPart, ...] = ()  # the optimizer, then its meta-algorithms


@dataclass(frozen=True, kw_only=True)
class ReportProblem:
    """A problem on a device in a precision."""

    id: str  # unique, safe in file names and addresses
    label: str
    expression: str
    kind: str
    device: str
    dtype: str
    size: int | None = None
    batch_size: int | None = None
    f0: float | None = None
    f_star: float | None = None  # what gaps are measured from
    reference: str = ""  # where `f_star` comes from, in words; "best in this set" where nothing better is known
    summary: str = ""
    cite: str = ""
    deterministic: bool = True  # curves show the best value so far; otherwise the last iterate's
    parts: tuple[ReportPart, ...] = ()  # the problem
    flops: bool = False  # whether the model FLOPs of its trials are known
