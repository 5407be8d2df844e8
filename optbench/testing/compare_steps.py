"""Compare micro-benchmarks with a stored baseline, by their ratio to the reference kernel.

`python -m optbench.testing.compare_steps RESULTS.json BASELINE.json` prints a row a benchmark that `optbench_steps`
timed: the least time of a step in units of the kernel's time measured beside it, now and in the baseline, and their
ratio. Exit code 1 where a ratio is above `--most`. `--write` stores the results as the new baseline.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_SUMMARY = (__doc__ or "").partition("\n")[0]
MOST = 1.5  # a shared machine moves ratios of least times by some ten per cent


def units(results: dict[str, Any]) -> dict[str, float]:
    """Return by name the least time of a step over the reference kernel's; what else was timed is left out."""
    found = {}
    for row in results["benchmarks"]:
        extra = row["extra_info"]
        if "reference_seconds" not in extra:
            continue
        found[row["name"]] = row["stats"]["min"] / extra["steps"] / extra["reference_seconds"]
    return dict(sorted(found.items()))


def compared(now: dict[str, float], before: dict[str, float]) -> list[tuple[str, float, float | None, float | None]]:
    """Return (name, now, before, ratio), the largest ratio first; what has no baseline comes last."""
    rows = [
        (name, value, before.get(name), value / before[name] if name in before else None) for name, value in now.items()
    ]
    return sorted(rows, key=lambda row: -(row[3] or 0.0))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return 1 where something takes longer than it may, 2 where a file can't be read."""
    parser = argparse.ArgumentParser(prog="python -m optbench.testing.compare_steps", description=_SUMMARY)
    parser.add_argument("results", type=Path, help="what pytest wrote with --benchmark-json")
    parser.add_argument("baseline", type=Path)
    parser.add_argument("--most", type=float, default=MOST, help="ratio to the baseline above which this fails")
    parser.add_argument("--write", action="store_true", help="store the results as the baseline")
    given = parser.parse_args(arguments)
    try:
        now = units(_read(given.results))
        if not now:
            parser.error(f"{given.results} holds no benchmark of optbench_steps")
        if given.write:
            rounded = {name: float(f"{value:.4g}") for name, value in now.items()}
            given.baseline.write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")
            print(f"{len(now)} benchmarks: {given.baseline}")
            return 0
        before = _read(given.baseline)
    except (OSError, ValueError, KeyError) as error:
        parser.error(f"can't use a file: {error}")
    return _told(now, before, given.most)


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _told(now: dict[str, float], before: dict[str, float], most: float) -> int:
    """Print a row a benchmark; return 1 where a ratio is above `most`."""
    rows = compared(now, before)
    width = max(map(len, now), default=0)
    print(f"{'benchmark':{width}}  {'now':>9}  {'baseline':>9}  ratio   (times of a step over the reference kernel's)")
    for name, value, old, ratio in rows:
        told = "      new" if old is None else f"{old:9.3g}  {ratio:5.2f}"
        print(f"{name:{width}}  {value:9.3g}  {told}{'  slower' if ratio and ratio > most else ''}")
    for name in sorted(before.keys() - now.keys()):
        print(f"{name}: in the baseline only")
    slower = [name for name, _, _, ratio in rows if ratio is not None and ratio > most]
    print(f"{len(slower)} of {len(rows)} slower than {most:g} times the baseline")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
