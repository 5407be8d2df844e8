"""What the records say of meta-algorithms before anything is built: what they need, and whether they draw."""

from __future__ import annotations

import pytest

from optbench.registry import Catalogue, load_catalogue, meet, resolve, resolve_recipe
from optbench.registry.resolving import parse_text


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def meeting(catalogue: Catalogue, recipe: str, problem: str) -> tuple[str | None, bool]:
    """Return why they can't go together, None where they can, and whether seeds matter."""
    met = meet(catalogue, resolve(catalogue, "problems", parse_text(problem)[0]), *resolve_recipe(catalogue, recipe))
    return met.refusal, met.depends_on_seed


@pytest.mark.parametrize(
    ("recipe", "problem", "lacking"),
    [
        ("lbfgs + batch-norm(variant='renormalise')", "mlp-digits", "movable-point"),
        ("lbfgs + batch-norm", "mlp-digits", None),
        ("sgd + batch-norm(variant='renormalise')", "mlp-digits", None),
    ],
)
def test_what_is_lacking_is_told_by_what_the_options_need(
    catalogue: Catalogue, recipe: str, problem: str, lacking: str | None
) -> None:
    refusal, _ = meeting(catalogue, recipe, problem)
    assert refusal is None if lacking is None else lacking in str(refusal)


@pytest.mark.parametrize(("by", "needs"), [("sampling", {"difficulty", "minibatches"}), ("weight", {"difficulty"})])
def test_a_curriculum_needs_minibatches_where_it_draws(catalogue: Catalogue, by: str, needs: set[str]) -> None:
    assert catalogue.get("meta-algorithms", "curriculum").record.with_needs_of({"by": by}).needs == needs


@pytest.mark.parametrize(
    ("meta", "drawn"),
    [
        ("continuation", True),  # a blur that the problem knows is known only once that is built
        ("continuation(blur='sampled')", True),
        ("continuation(blur='closed-form')", False),
    ],
)
def test_seeds_matter_where_random_numbers_are_drawn(catalogue: Catalogue, meta: str, drawn: bool) -> None:
    assert meeting(catalogue, f"lbfgs + {meta}", "rosenbrock") == (None, drawn)


@pytest.mark.parametrize(("mode", "drawn"), [("stochastic", True), ("deterministic", False)])
def test_a_curriculum_draws_numbers_where_it_mixes(catalogue: Catalogue, mode: str, drawn: bool) -> None:
    record = catalogue.get("meta-algorithms", "curriculum").record
    assert record.depends_on_seed({"mode": mode}) is drawn
