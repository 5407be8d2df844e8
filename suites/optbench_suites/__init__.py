"""The suites that come with optbench: one TOML file each, in this folder; the format is in docs/suites.md."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from optbench.api import SuitePlugin, hookimpl


@hookimpl
def optbench_suites() -> Iterator[SuitePlugin]:
    """Yield a record for each TOML file of this folder."""
    for path in sorted(Path(__file__).parent.glob("*.toml")):
        suite = tomllib.loads(path.read_text(encoding="utf-8"))
        yield SuitePlugin(name=path.stem, path=path, summary=suite.get("summary", suite["title"]))
