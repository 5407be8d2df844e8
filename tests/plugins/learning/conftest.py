from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """One cache for these tests, so that data and minima are computed once and nothing of the user's is touched."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPTBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
