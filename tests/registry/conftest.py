"""Fake plugins: objects with hooks, and installed distributions in a temporary folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Return a function that installs a distribution with one plugin module of the given source."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("OPTBENCH_PLUGINS", raising=False)
    monkeypatch.delenv("OPTBENCH_BLOCK", raising=False)

    def make(distribution: str, plugin: str, source: str, version: str = "1.0") -> None:
        module = f"fake_{distribution}_{plugin}".replace("-", "_")
        (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")
        info = tmp_path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        entries = info / "entry_points.txt"
        known = entries.read_text() if entries.exists() else "[optbench]\n"
        entries.write_text(f"{known}{plugin} = {module}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)

    return make
