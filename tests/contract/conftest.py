"""What users type is tried with servers that start fast."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _fast(warm_servers: None) -> None:
    """Every suite and run of these tests."""
