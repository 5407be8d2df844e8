"""Builds the problems of this family by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from optbench_testfunctions import optbench_problems

from optbench.registry import resolve_factory

PLUGINS = {plugin.name: plugin for plugin in optbench_problems()}


@pytest.fixture(scope="session")
def build() -> Callable[..., Any]:
    """Return `build(name, dtype=torch.float64, streams=None, **options)`; options left out have their defaults."""

    def make(name: str, dtype: torch.dtype = torch.float64, streams: Any = None, **options: Any) -> Any:
        plugin = PLUGINS[name]
        given = {key: option.default for key, option in plugin.options.items()} | options
        return resolve_factory(plugin.factory)(device=torch.device("cpu"), dtype=dtype, streams=streams, **given)

    return make
