"""Options of problems that name initializers: canonical in the parent, with the plugin's own options."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from optbench.api import InitializerPlugin, OptimizerPlugin, Option, ProblemPlugin, UserError, hookimpl
from optbench.records import Call, parse_one
from optbench.registry import Catalogue, build_catalogue, default_options, named_plugins, resolve, telling_options

WEIGHTS = Option(default="flat", doc="", plugins="initializers")


class Nets:
    @hookimpl
    def optbench_problems(self) -> Iterable[Any]:
        yield ProblemPlugin(name="net", factory="m:N", summary="", options={"weights": WEIGHTS})


class Fills:
    @hookimpl
    def optbench_initializers(self) -> Iterable[Any]:
        options = {"std": Option(default=0.5, doc="", low=0.0), "shift": Option(default=0, doc="")}
        yield InitializerPlugin(name="flat", factory="m:flat", summary="")
        yield InitializerPlugin(name="normal", factory="m:normal", summary="", options=options)


@pytest.fixture
def catalogue() -> Catalogue:
    return build_catalogue({"nets": Nets(), "fills": Fills()})


def weights(catalogue: Catalogue, text: str) -> str:
    return str(resolve(catalogue, "problems", parse_one(text)).options["weights"])


@pytest.mark.parametrize("written", ["normal(std=2)", "fills/normal(std=2.0)", "normal(shift=0, std=2)"])
def test_spellings_of_one_initializer_become_one_text_with_its_qualified_name(
    catalogue: Catalogue, written: str
) -> None:
    assert weights(catalogue, f'net(weights="{written}")') == "fills/normal(std=2.0, shift=0)"


def test_the_default_is_written_in_full_too(catalogue: Catalogue) -> None:
    assert weights(catalogue, "net") == "fills/flat"
    assert default_options(catalogue, catalogue.get("problems", "net")) == {"weights": "fills/flat"}


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("nromal", "option weights: unknown initializer 'nromal'; nearest: normal"),
        ("normal(sdt=1)", "option weights: initializer fills/normal: unknown option 'sdt'; options: std, shift"),
        ("normal(std=-1)", "option std: got -1.0; lowest allowed: 0.0"),
        ("normal + flat", "option weights: expected one name"),
        ("net", "it is one of the problems"),
    ],
)
def test_a_wrong_initializer_is_told_with_what_is_allowed(catalogue: Catalogue, written: str, message: str) -> None:
    with pytest.raises(UserError, match="problem nets/net") as caught:
        weights(catalogue, f'net(weights="{written}")')
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("written", "telling"),
    [("flat", {}), ("normal", {"weights": "normal"}), ("normal(std=2)", {"weights": "normal(std=2.0)"})],
)
def test_telling_options_leave_out_what_is_default(catalogue: Catalogue, written: str, telling: dict[str, str]) -> None:
    component = resolve(catalogue, "problems", parse_one(f'net(weights="{written}")'))
    found = telling_options(catalogue, catalogue.get("problems", "net"), component.options)
    assert found == telling
    assert resolve(catalogue, "problems", Call("net", found)) == component


def test_the_plugin_that_is_named_is_found_with_its_options(catalogue: Catalogue) -> None:
    component = resolve(catalogue, "problems", parse_one('net(weights="normal")'))
    named = named_plugins(catalogue, catalogue.get("problems", "net"), component.options)
    assert {name: (found.qualified, options) for name, (found, options) in named.items()} == {
        "weights": ("fills/normal", {"std": 0.5, "shift": 0})
    }


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (OptimizerPlugin(name="o", factory="m:O", summary="", options={"weights": WEIGHTS}), "options of problems"),
        (
            ProblemPlugin(name="p", factory="m:P", summary="", options={"w": Option(default="", doc="", plugins="x")}),
            "name initializers or data-sets",
        ),
        (
            ProblemPlugin(
                name="p", factory="m:P", summary="", options={"w": Option(default=1, doc="", plugins="initializers")}
            ),
            "needs a text",
        ),
    ],
)
def test_only_options_of_problems_name_initializers_and_as_texts(record: Any, reason: str) -> None:
    class Wrong:
        @hookimpl
        def optbench_optimizers(self) -> Iterable[Any]:
            return [record] if isinstance(record, OptimizerPlugin) else []

        @hookimpl
        def optbench_problems(self) -> Iterable[Any]:
            return [record] if isinstance(record, ProblemPlugin) else []

    catalogue = build_catalogue({"wrong": Wrong()})
    assert not catalogue.records("optimizers") + catalogue.records("problems")
    assert reason in catalogue.broken[0].reason
