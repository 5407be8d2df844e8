"""Made-up results for the tests of this folder."""

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def synthetic():
    """Return the module tests/report/synthetic.py; test folders are no packages."""
    path = Path(__file__).parents[2] / "report" / "synthetic.py"
    spec = importlib.util.spec_from_file_location("optbench_synthetic_results", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def results(synthetic):
    """Return an empty set of results."""
    return synthetic.Results()
