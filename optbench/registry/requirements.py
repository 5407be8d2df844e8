"""Which combinations can't run, told before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from optbench.api import Evaluation, MetaAlgorithmPlugin, OptimizerPlugin, ProblemPlugin
from optbench.api.plugins import missing_library

_IMPLIED: Mapping[Evaluation, Evaluation] = {"hessian": "hessian_vector", "residuals": "gauss_newton_vector"}


def missing_features(
    *, problem: ProblemPlugin, optimizer: OptimizerPlugin, meta_algorithms: Iterable[MetaAlgorithmPlugin] = ()
) -> str | None:
    """Return why the combination is refused, or None.

    What an optimizer declares as optional is used where a problem has it, or where an option asks for it;
    Hessian-vector products can be had from a Hessian, Gauss-Newton products from residuals.
    """
    for record in (problem, optimizer, *meta_algorithms):
        if why := missing_library(record):
            return why
    implied = {product for source, product in _IMPLIED.items() if source in problem.evaluations}
    unoffered = optimizer.evaluations - problem.evaluations - optimizer.optional - implied
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
