"""What every test shares: processes that run them, reproducible hypothesis runs, skips for what this machine lacks."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

# One thread: small problems are slower with more, and results then agree between machines. Before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

from optbench.runner import client
from optbench.runner.container import Container
from tests.warm_servers import WarmServers

# The terminal of whoever runs the tests is no input of theirs, and in pytest-xdist's processes readline makes one up.
for _size in ("COLUMNS", "LINES"):
    os.environ.pop(_size, None)

# No deadline: a shared machine may stall at any example. The same examples each time: a failure must repeat.
settings.register_profile("optbench", deadline=None, derandomize=True)
settings.load_profile("optbench")

MOST_PROCESSES = 8  # of `-n auto`: each imports torch, and some tests start several more
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return what `-n auto` means: the processors that this process may use, which may be fewer than there are."""
    quota = Container().cpu_quota() or math.inf
    return int(max(1, min(MOST_PROCESSES, len(os.sched_getaffinity(0)), quota)))


def browser_path() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests whose marker names something that this machine lacks."""
    marked = {name: [item for item in items if item.get_closest_marker(name)] for name in ("browser", "cuda")}
    if marked["browser"] and browser_path() is None:
        _skip(marked["browser"], f"no browser: none of {', '.join(BROWSERS)} is on the path")
    if marked["cuda"] and not _has_cuda():
        _skip(marked["cuda"], "no CUDA device")


def _skip(items: list[pytest.Item], reason: str) -> None:
    for item in items:
        item.add_marker(pytest.mark.skip(reason=reason))


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; tests that take it are marked `browser`."""
    path = browser_path()
    if path is None:
        pytest.skip("no browser")
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[Mapping[str, str]], Path]:
    """Return a function that writes files, path to text, and returns the folder that they lie under."""

    def write(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / "root" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path / "root"

    return write


@pytest.fixture(scope="session")
def _warm_servers() -> Iterator[WarmServers]:
    servers = WarmServers(client.start_server)
    yield servers
    servers.close()


@pytest.fixture
def warm_servers(_warm_servers: WarmServers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start fork servers in a tenth of the time; see `tests/warm_servers.py`."""
    monkeypatch.setattr(client, "start_server", _warm_servers.start)
