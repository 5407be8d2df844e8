"""Expressions become components with qualified names and every option; mistakes say what is allowed."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any

import pytest

from optbench.api import MetaAlgorithmPlugin, OptimizerPlugin, Option, Part, UserError, hookimpl
from optbench.records import Call, Component, parse_one
from optbench.registry import Catalogue, build_catalogue, default_options, resolve, resolve_recipe, telling_options

OPTIONS = {
    "lr": Option(default=0.1, doc="", low=0.0, high=1.0),
    "history": Option(default=10, doc="", low=1),
    "nesterov": Option(default=False, doc=""),
    "beta": Option(default="fr", doc="", choices=("fr", "pr")),
    "betas": Option(default=[0.9, 0.99], doc="", low=0.0, high=1.0),
    "search": Option(default="wolfe", doc="", components="fake_parts:PARTS"),
}
PARTS = {
    "wolfe": Part(
        factory=dict, summary="", options={"c1": Option(default=1e-4, doc=""), "c2": Option(default=0.9, doc="")}
    ),
    "exact": Part(factory=dict, summary=""),
}


class Plugin:
    @hookimpl
    def optbench_optimizers(self) -> Iterable[Any]:
        yield OptimizerPlugin(name="method", factory="m:M", summary="", options=OPTIONS)
        yield OptimizerPlugin(name="plain", factory="m:P", summary="")

    @hookimpl
    def optbench_meta_algorithms(self) -> Iterable[Any]:
        yield MetaAlgorithmPlugin(name="average", factory="m:A", summary="", options={"decay": OPTIONS["lr"]})


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    parts = ModuleType("fake_parts")
    parts.PARTS = PARTS  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "fake_parts", parts)
    return build_catalogue({"fake": Plugin()})


def options(catalogue: Catalogue, text: str) -> dict[str, Any]:
    return dict(resolve(catalogue, "optimizers", parse_one(text)).options)


def test_a_component_has_its_qualified_name_and_every_option(catalogue: Catalogue) -> None:
    component = resolve(catalogue, "optimizers", parse_one("method(history=5)"))
    assert component.name == "fake/method"
    assert list(component.options) == list(OPTIONS)
    assert component.options["history"] == 5
    assert component.options["lr"] == 0.1


@pytest.mark.parametrize(
    ("written", "option", "value"),
    [
        ("lr=1", "lr", 1.0),
        ("history=5.0", "history", 5),
        ("nesterov=true", "nesterov", True),
        ("betas=[0, 0.5, 1]", "betas", [0.0, 0.5, 1.0]),
        ('beta="pr"', "beta", "pr"),
    ],
)
def test_a_value_takes_its_options_type(catalogue: Catalogue, written: str, option: str, value: Any) -> None:
    found = options(catalogue, f"method({written})")[option]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("history=2.5", "option history: expected an integer, got 2.5"),
        ("history=true", "expected an integer, got True"),
        ("history=0", "lowest allowed: 1"),
        ("lr=2.0", "highest allowed: 1.0"),
        ("lr=nan", "nan"),
        ('lr="fast"', "expected a number, got 'fast'"),
        ("nesterov=1", "expected true or false, got 1"),
        ('beta="fe"', "got 'fe'; allowed: fr, pr"),
        ("betas=0.9", "expected a list"),
        ("betas=[0.9, 3.0]", "highest allowed: 1.0"),
        (
            "histroy=3",
            "unknown option 'histroy'; options: lr, history, nesterov, beta, betas, search; nearest: history",
        ),
        ('search="wolf"', "allowed: wolfe, exact; nearest: wolfe"),
        ('search="wolfe(c3=1)"', "wolfe: unknown option 'c3'; options: c1, c2"),
        ('search="wolfe + exact"', "expected one name"),
        ("search=3", "expected an expression"),
    ],
)
def test_a_wrong_option_is_told_with_what_is_allowed(catalogue: Catalogue, written: str, message: str) -> None:
    with pytest.raises(UserError, match="optimizer fake/method") as caught:
        options(catalogue, f"method({written})")
    assert message in str(caught.value)


def test_an_option_of_a_plugin_without_any_is_told(catalogue: Catalogue) -> None:
    with pytest.raises(UserError, match="it has no options"):
        options(catalogue, "plain(lr=1)")


@pytest.mark.parametrize("written", ["wolfe(c2=0.1)", "wolfe( c2 = 0.1, c1=0.0001)", "wolfe(c1=1e-4,c2=1e-1)"])
def test_spellings_of_one_component_become_one_text(catalogue: Catalogue, written: str) -> None:
    assert options(catalogue, f'method(search="{written}")')["search"] == "wolfe(c1=0.0001, c2=0.1)"


def test_a_default_component_is_written_in_full_too(catalogue: Catalogue) -> None:
    assert options(catalogue, "method")["search"] == "wolfe(c1=0.0001, c2=0.9)"
    assert options(catalogue, 'method(search="exact")')["search"] == "exact"


def test_default_options_are_those_of_a_component_written_without_any(catalogue: Catalogue) -> None:
    assert default_options(catalogue, catalogue.get("optimizers", "method")) == options(catalogue, "method")


@pytest.mark.parametrize(
    ("written", "telling"),
    [
        ("method", {}),
        ("method(history=10, lr=1)", {"lr": 1.0}),
        ('method(search="exact")', {"search": "exact"}),
        ('method(search="wolfe(c1=0.0001, c2=0.5)")', {"search": "wolfe(c2=0.5)"}),
        ("collections:OrderedDict(anything=1)", {"anything": 1}),
    ],
)
def test_telling_options_are_what_differs_and_resolve_to_the_same(
    catalogue: Catalogue, written: str, telling: dict[str, Any]
) -> None:
    component = resolve(catalogue, "optimizers", parse_one(written))
    found = telling_options(catalogue, catalogue.get("optimizers", component.name), component.options)
    assert found == telling
    assert resolve(catalogue, "optimizers", Call(component.name, found)) == component


def test_a_recipe_is_an_optimizer_and_its_meta_algorithms(catalogue: Catalogue) -> None:
    optimizer, metas = resolve_recipe(catalogue, "plain + average(decay=0.5) + average")
    assert optimizer == Component(name="fake/plain")
    assert [(meta.name, meta.options["decay"]) for meta in metas] == [("fake/average", 0.5), ("fake/average", 0.1)]


@pytest.mark.parametrize("text", ["plain + plain", "average", "plain +", "plain(lr"])
def test_a_wrong_recipe_is_the_users_mistake(catalogue: Catalogue, text: str) -> None:
    with pytest.raises(UserError):
        resolve_recipe(catalogue, text)


def test_a_class_is_an_optimizer_whose_options_pass_unchecked(catalogue: Catalogue) -> None:
    component = resolve(catalogue, "optimizers", parse_one("collections:OrderedDict(anything=[1])"))
    assert component == Component(name="collections:OrderedDict", options={"anything": [1]})
    assert catalogue.get("optimizers", component.name).record.factory == "collections:OrderedDict"


def test_a_class_of_a_module_that_is_not_there_is_the_users_mistake(catalogue: Catalogue) -> None:
    with pytest.raises(UserError, match="no module 'no_such_module'"):
        resolve(catalogue, "optimizers", parse_one("no_such_module:Thing"))


def test_looking_up_a_class_does_not_import_its_module(catalogue: Catalogue) -> None:
    assert "xml.dom.pulldom" not in sys.modules
    catalogue.get("optimizers", "xml.dom.pulldom:PullDOM")
    assert "xml.dom.pulldom" not in sys.modules
