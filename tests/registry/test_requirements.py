"""A combination is refused before it runs, with the reason."""

from __future__ import annotations

from typing import Any

from optbench.api import Evaluation, Feature, MetaAlgorithmPlugin, OptimizerPlugin, ProblemPlugin
from optbench.registry import missing_features


def problem(*, evaluations: set[Evaluation] | None = None, gives: set[Feature] | None = None) -> ProblemPlugin:
    given: Any = {} if evaluations is None else {"evaluations": frozenset(evaluations)}
    return ProblemPlugin(name="valley", factory="m:P", summary="", gives=frozenset(gives or ()), **given)


def optimizer(*evaluations: Evaluation, needs: set[Feature] | None = None) -> OptimizerPlugin:
    return OptimizerPlugin(
        name="method", factory="m:M", summary="", evaluations=frozenset(evaluations), needs=frozenset(needs or ())
    )


def meta(*needs: Feature) -> MetaAlgorithmPlugin:
    return MetaAlgorithmPlugin(name="average", factory="m:A", summary="", needs=frozenset(needs))


def test_what_autograd_derives_is_offered_by_default() -> None:
    every = optimizer("value", "gradient", "hessian_vector", "hessian")
    assert missing_features(problem=problem(), optimizer=every) is None


def test_a_problem_that_omits_derivatives_refuses_those_who_evaluate_them() -> None:
    reason = missing_features(problem=problem(evaluations={"value"}), optimizer=optimizer("value", "gradient"))
    assert reason == "method evaluates gradient, which valley does not offer"


def test_residuals_are_required_and_the_minimum_along_a_line_is_not() -> None:
    assert missing_features(problem=problem(), optimizer=optimizer("value", "line_minimum")) is None
    reason = missing_features(problem=problem(), optimizer=optimizer("jacobian", "residuals"))
    assert reason == "method evaluates jacobian and residuals, which valley does not offer"


def test_products_follow_from_what_they_are_products_with() -> None:
    method = optimizer("value", "hessian_vector", "gauss_newton_vector")
    squares = problem(evaluations={"value", "hessian", "residuals", "jacobian"})
    assert missing_features(problem=squares, optimizer=method) is None
    reason = missing_features(problem=problem(), optimizer=method)
    assert reason == "method evaluates gauss-newton-vector, which valley does not offer"


def test_what_is_declared_as_optional_is_not_required() -> None:
    method = OptimizerPlugin(
        name="method",
        factory="m:M",
        summary="",
        evaluations=frozenset({"value", "jacobian", "residuals"}),
        optional=frozenset({"residuals"}),
    )
    reason = missing_features(problem=problem(), optimizer=method)
    assert reason == "method evaluates jacobian, which valley does not offer"


def test_an_optimizer_needs_what_the_problem_gives() -> None:
    needy = optimizer("value", needs={"blocks"})
    assert missing_features(problem=problem(gives={"blocks"}), optimizer=needy) is None
    assert missing_features(problem=problem(), optimizer=needy) == "method needs blocks, which valley does not give"


def test_a_meta_algorithm_needs_what_the_problem_or_the_optimizer_gives() -> None:
    plain = optimizer("value")
    assert missing_features(problem=problem(), optimizer=plain, meta_algorithms=[meta("step-hook")]) is None
    reason = missing_features(problem=problem(), optimizer=plain, meta_algorithms=[meta("step-hook"), meta("model")])
    assert reason == "average needs model, which neither valley nor method gives"


def test_a_library_that_is_not_installed_is_told_with_what_brings_it() -> None:
    foreign = OptimizerPlugin(name="foreign", factory="m:F", summary="", requires={"json": "x", "no_such": "mine[all]"})
    reason = missing_features(problem=problem(), optimizer=foreign)
    assert reason == "foreign needs no_such, which is not installed: pip install 'mine[all]'"


def test_libraries_that_are_there_stand_in_no_way() -> None:
    foreign = OptimizerPlugin(name="foreign", factory="m:F", summary="", requires={"json": "json"})
    assert missing_features(problem=problem(), optimizer=foreign) is None


def test_what_a_meta_algorithm_needs_depends_on_its_options() -> None:
    moving: frozenset[Feature] = frozenset({"movable-point"})
    record = MetaAlgorithmPlugin(
        name="shift", factory="m:S", summary="", needs=frozenset({"model"}), needs_with={"way": {"move": moving}}
    )
    assert record.with_needs_of({"way": "stay"}).needs == {"model"}
    moved = record.with_needs_of({"way": "move"})
    reason = missing_features(problem=problem(gives={"model"}), optimizer=optimizer(), meta_algorithms=[moved])
    assert reason == "shift needs movable-point, which neither valley nor method gives"


def test_a_meta_algorithm_may_draw_random_numbers_always_or_with_some_options() -> None:
    assert not meta().depends_on_seed({})
    drawing = MetaAlgorithmPlugin(name="blur", factory="m:B", summary="", random_options={"way": ("sampled",)})
    assert drawing.depends_on_seed({"way": "sampled"})
    assert not drawing.depends_on_seed({"way": "exact"})
    assert MetaAlgorithmPlugin(name="blur", factory="m:B", summary="", deterministic=False).depends_on_seed({})
