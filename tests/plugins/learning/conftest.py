from __future__ import annotations

import pytest

from optbench.api import datasets


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """One cache for these tests, so that data and minima are computed once and nothing of the user's is touched."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPTBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def installed_data_sets(monkeypatch):
    """Data sets of every installed plugin, whatever a trial in this process announced before."""
    monkeypatch.setattr(datasets, "_announced", [])
