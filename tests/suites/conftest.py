"""A small catalogue of fakes and a function that writes a suite file."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from optbench.api import MetaAlgorithmPlugin, MetricPlugin, OptimizerPlugin, Option, ProblemPlugin, hookimpl
from optbench.registry import Catalogue, build_catalogue

WHERE = "package.module:Name"
SIZE = {"n": Option(default=2, doc="", low=1)}


class Plugin:
    """Four optimizers, three problems, a meta-algorithm and a metric."""

    @hookimpl
    def optbench_optimizers(self) -> Iterable[Any]:
        history = {"history": Option(default=10, doc="", low=1)}
        yield OptimizerPlugin(name="lbfgs", factory=WHERE, summary="", options=history)
        yield OptimizerPlugin(name="sgd", factory=WHERE, summary="", evaluations=frozenset({"gradient"}))
        yield OptimizerPlugin(name="random-search", factory=WHERE, summary="", deterministic=False)
        order = {"order": Option(default="cyclic", doc="", choices=("cyclic", "random"))}
        drawn = {"order": ("random",)}
        yield OptimizerPlugin(name="sweeps", factory=WHERE, summary="", options=order, random_options=drawn)

    @hookimpl
    def optbench_problems(self) -> Iterable[Any]:
        yield ProblemPlugin(name="quadratic", factory=WHERE, summary="", options=SIZE, random=False)
        yield ProblemPlugin(name="net", factory=WHERE, summary="", kind="learning", gives=frozenset({"model"}))
        yield ProblemPlugin(name="black-box", factory=WHERE, summary="", evaluations=frozenset({"value"}), random=False)

    @hookimpl
    def optbench_meta_algorithms(self) -> Iterable[Any]:
        yield MetaAlgorithmPlugin(name="average", factory=WHERE, summary="")
        yield MetaAlgorithmPlugin(name="pretrain", factory=WHERE, summary="", needs=frozenset({"model"}))

    @hookimpl
    def optbench_metrics(self) -> Iterable[Any]:
        yield MetricPlugin(name="f", factory=WHERE, summary="")


@pytest.fixture
def catalogue() -> Catalogue:
    return build_catalogue({"fake": Plugin()})


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes `text` to mine.toml."""

    def to_file(text: str) -> Path:
        path = tmp_path / "mine.toml"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return to_file
