"""Fixtures for tests of plugins; pytest loads this module by itself where optbench is installed. Imports nothing heavy.

The tests that the conformance kit makes come from `optbench.testing.parametrize_with_checks`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from optbench.registry import Catalogue


@pytest.fixture
def optbench_no_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out every installed plugin, in this process and in those that the test starts."""
    monkeypatch.setenv("OPTBENCH_PLUGINS", "")
    monkeypatch.delenv("OPTBENCH_BLOCK", raising=False)


@pytest.fixture
def optbench_catalogue() -> Callable[..., Catalogue]:
    """Return a function that makes a catalogue of the given modules or objects, by name; nothing is discovered.

    `optbench_catalogue(mine=my_package.optbench_plugin).get("optimizers", "mine/sign-descent")`
    """

    def make(**plugins: Any) -> Catalogue:
        from optbench.registry import build_catalogue

        return build_catalogue(plugins)

    return make


@pytest.fixture
def optbench_plugin(tmp_path: Path, optbench_no_plugins: None) -> Callable[..., Catalogue]:  # noqa: ARG001 -- its effect
    """Return a function that loads a plugin from its source text, alone; it is gone after the test.

    `optbench_plugin(source).get("problems", "valley")`; the file lies in `tmp_path`, for `--plugin`.
    """

    def load(source: str, name: str = "temporary") -> Catalogue:
        from optbench.registry import load_catalogue

        path = tmp_path / f"{name.replace('-', '_')}.py"
        path.write_text(source, encoding="utf-8")
        return load_catalogue(plugin_files=[path], only=[])

    return load


@pytest.fixture
def optbench_steps(benchmark: Any) -> Callable[..., None]:
    """Return a function that times steps of an optimizer with pytest-benchmark, which must be installed.

    `optbench_steps("lbfgs(history=5)", "chained-rosenbrock(n=1000)", steps=20)`; records of your own serve as well.
    Each round steps a fresh optimizer, warmed up by `warm` steps. Steps, evaluations a step and the time of optbench's
    reference kernel go into `extra_info`: on a busy machine, compare ratios to it.
    """

    def measure(
        optimizer: Any, problem: Any, *, steps: int = 20, rounds: int = 15, warm: int = 5, **options: Any
    ) -> None:
        from optbench.testing.stepping import Stepper, benchmark_steps

        benchmark_steps(
            benchmark, lambda: Stepper(optimizer, problem, **options), steps=steps, rounds=rounds, warm=warm
        )

    return measure
