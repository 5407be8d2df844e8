"""What the records of a combination say of it before anything runs: whether it can, and whether seeds matter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optbench.api import Evaluation, MetaAlgorithmPlugin, OptimizerPlugin, ProblemPlugin
from optbench.api.plugins import missing_library

if TYPE_CHECKING:
    from optbench.records import Component
    from optbench.registry.catalogue import Catalogue

_IMPLIED: Mapping[Evaluation, Evaluation] = {"hessian": "hessian_vector", "residuals": "gauss_newton_vector"}


@dataclass(frozen=True)
class Meeting:
    """What the records of a problem and a recipe say of the two together."""

    refusal: str | None  # why they can't run
    depends_on_seed: bool  # whether other seeds give other trials


def meet(
    catalogue: Catalogue, problem: Component, optimizer: Component, meta_algorithms: Iterable[Component] = ()
) -> Meeting:
    """Return what is known of a combination, whose options are resolved; raises UserError for an unknown name."""
    solved = catalogue.get("problems", problem.name).record
    solver = catalogue.get("optimizers", optimizer.name).record
    metas = [(catalogue.get("meta-algorithms", meta.name).record, meta.options) for meta in meta_algorithms]
    needing = [record.with_needs_of(options) for record, options in metas]
    chosen = [(solved, problem.options), (solver, optimizer.options), *metas]
    return Meeting(
        refusal=missing_features(problem=solved, optimizer=solver, meta_algorithms=needing),
        depends_on_seed=any(record.depends_on_seed(options) for record, options in chosen),
    )


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
