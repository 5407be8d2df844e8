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
