"""What the micro-benchmarks share; `make bench` runs them, nothing else does."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """Measure on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pytest_benchmark_update_machine_info(config, machine_info):
    """Note what figures of two machines differ by."""
    machine_info["torch"] = torch.__version__
    machine_info["threads"] = 1
