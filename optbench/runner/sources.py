"""The hash of the engine's sources: what tells that a stored result was measured by other code."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

# What runs in a trial's process, and what decides how that ends: folders and files. `optbench.analysis` is not among
# them: what it says of a trial is worked out anew whenever the stored result is read.
MEASURING = ("api", "measure", "numerics", "records", "runner/child.py", "runner/server.py", "runner/supervise.py")
# Of these folders, the records that never come to a trial: of suites, their gates and pairs, reports and machines.
_OF_REPORTS = ("cells", "change", "curves", "entrants", "report", "scaling", "scores", "site", "text", "tuned")
_OF_SUITES = ("ablation", "gate", "pairing", "suite")
APART = tuple(f"records/{name}.py" for name in (*_OF_REPORTS, *_OF_SUITES, "environment"))


@cache
def engine_hash(root: Path | None = None) -> str:
    """Return the SHA-256 over the names and contents of the engine's sources that a result depends on.

    Args:
        root: the folder of the package `optbench`; the one that is running by default.
    """
    folder = root or Path(__file__).parents[1]
    digest = hashlib.sha256()
    for name in sorted(measuring_files(folder)):
        content = (folder / name).read_bytes()
        # The length keeps a name and the content beside it from being read as another pair.
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def measuring_files(folder: Path) -> Iterator[str]:
    """Yield the files below `folder`, the engine's, that a result depends on."""
    for part in MEASURING:
        path = folder / part
        for file in [path] if path.is_file() else path.rglob("*.py"):
            if (name := file.relative_to(folder).as_posix()) not in APART:
                yield name
