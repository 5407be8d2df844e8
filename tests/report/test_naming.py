"""Names of what is compared: short, unique, safe."""

import pytest

from optbench.records import Component, parse
from optbench.report.naming import expression, labels, slugs


def component(name, **options):
    return (Component(name=name, options=options),)


def test_without_defaults_options_that_differ_are_shown():
    groups = [
        component("x/lbfgs", history=5, c1=0.1),
        component("x/lbfgs", history=10, c1=0.1),
        component("x/gd", lr=1.0),
    ]
    assert labels(groups, {}) == ["lbfgs(history=5)", "lbfgs(history=10)", "gd"]


def test_that_an_option_was_tuned_is_always_shown():
    groups = [component("x/sgd", lr="tuned", momentum=momentum) for momentum in (0.0, 0.9)]
    info = {"x/sgd": {"defaults": {"lr": 0.1, "momentum": 0.0}}}
    assert labels(groups, info) == ["sgd(lr=tuned)", "sgd(lr=tuned, momentum=0.9)"]


def test_truth_values_are_shown_as_users_write_them():
    groups = [component("x/adam", amsgrad=amsgrad) for amsgrad in (False, True)]
    assert labels(groups, {"x/adam": {"defaults": {"amsgrad": False}}}) == ["adam", "adam(amsgrad=true)"]


def test_a_name_of_two_plugins_keeps_its_plugin():
    assert labels([component("x/gd"), component("y/gd")], {}) == ["x/gd", "y/gd"]


def test_slugs_are_unique_and_safe_in_file_names():
    assert slugs(["a b", "a/b", "../../etc/passwd", "<script>", "…"]) == [
        "a-b",
        "a-b-2",
        "etc-passwd",
        "script",
        "unnamed",
    ]


def test_a_slug_that_looks_like_a_later_one_is_not_given_twice():
    names = slugs(["a", "a", "a-2"])
    assert len(set(names)) == 3


@pytest.mark.parametrize("options", [{}, {"lr": 0.1, "search": "wolfe(c2=0.1)"}])
def test_expression_parses_to_the_same_components(options):
    (call,) = parse(expression(component("x/gd", **options)))
    assert (call.name, dict(call.options)) == ("x/gd", options)


WRITTEN = "strong-wolfe(c1=0.0001, c2={c2}, max_evaluations=25)"
DEFAULTS = {"x/lbfgs": {"defaults": {"line_search": "strong-wolfe"}}}


def test_an_expression_with_its_options_written_out_is_the_default():
    assert labels([component("x/lbfgs", line_search=WRITTEN.format(c2=0.9))], DEFAULTS) == ["lbfgs"]


def test_another_expression_is_shown_by_its_name():
    groups = [component("x/lbfgs", line_search="armijo(c1=0.0001, shrink=0.1)")]
    assert labels(groups, DEFAULTS) == ["lbfgs(line_search=armijo)"]


def test_expressions_that_differ_inside_are_told_apart():
    groups = [component("x/lbfgs", line_search=WRITTEN.format(c2=c2)) for c2 in (0.1, 0.9)]
    assert labels(groups, DEFAULTS) == [
        "lbfgs(line_search=strong-wolfe(c2=0.1))",
        "lbfgs(line_search=strong-wolfe(c2=0.9))",
    ]
