"""Which combinations can't run, told before anything runs."""

from __future__ import annotations

from collections.abc import Iterable

from optbench.api import MetaAlgorithmPlugin, OptimizerPlugin, ProblemPlugin


def missing_features(
    *, problem: ProblemPlugin, optimizer: OptimizerPlugin, meta_algorithms: Iterable[MetaAlgorithmPlugin] = ()
) -> str | None:
    """Return why the combination is refused, or None.

    A closed form of the step along a line (`line_minimum`) is used where a problem has it and never required.
    """
    unoffered = optimizer.evaluations - problem.evaluations - {"line_minimum"}
    if unoffered:
        return f"{optimizer.name} evaluates {_words(unoffered)}, which {problem.name} does not offer"
    missing = optimizer.needs - problem.gives
    if missing:
        return f"{optimizer.name} needs {_words(missing)}, which {problem.name} does not give"
    given = problem.gives | optimizer.gives
    for meta in meta_algorithms:
        if missing := meta.needs - given:
            return f"{meta.name} needs {_words(missing)}, which neither {problem.name} nor {optimizer.name} gives"
    return None


def _words(names: Iterable[str]) -> str:
    return " and ".join(sorted(name.replace("_", "-") for name in names))
