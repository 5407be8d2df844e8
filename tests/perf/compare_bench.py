"""Compare micro-benchmarks with the stored baseline, by their ratio to the reference kernel.

`python tests/perf/compare_bench.py RESULTS.json` prints a row a benchmark: the least time of a step in units of the
kernel's time measured beside it, now and in `baseline.json`, and their ratio. Exit code 1 where a ratio is above
`--most`. `--write` stores the results as the new baseline.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

BASELINE = Path(__file__).with_name("baseline.json")
MOST = 1.5  # a shared machine moves ratios of least times by some ten per cent


def units(results: dict[str, Any]) -> dict[str, float]:
    """Return by name the least time of a step over the reference kernel's."""
    found = {}
    for row in results["benchmarks"]:
        extra = row["extra_info"]
        found[row["name"]] = row["stats"]["min"] / extra["steps"] / extra["reference_seconds"]
    return dict(sorted(found.items()))


def compared(now: dict[str, float], before: dict[str, float]) -> list[tuple[str, float, float | None, float | None]]:
    """Return (name, now, before, ratio), the largest ratio first; what has no baseline comes last."""
    rows = [
        (name, value, before.get(name), value / before[name] if name in before else None) for name, value in now.items()
    ]
    return sorted(rows, key=lambda row: -(row[3] or 0.0))


def main() -> int:
    """Print the table; return 1 where something takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--most", type=float, default=MOST, help="ratio to the baseline above which this fails")
    parser.add_argument("--write", action="store_true", help="store the results as the baseline")
    given = parser.parse_args()
    now = units(json.loads(given.results.read_text(encoding="utf-8")))
    if given.write:
        rounded = {name: float(f"{value:.4g}") for name, value in now.items()}
        BASELINE.write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")
        print(f"{len(now)} benchmarks: {BASELINE}")
        return 0
    before = json.loads(BASELINE.read_text(encoding="utf-8")) if BASELINE.exists() else {}
    rows = compared(now, before)
    width = max(map(len, now), default=0)
    print(f"{'benchmark':{width}}  {'now':>9}  {'baseline':>9}  ratio   (times of a step over the reference kernel's)")
    for name, value, old, ratio in rows:
        told = "      new" if old is None else f"{old:9.3g}  {ratio:5.2f}"
        print(f"{name:{width}}  {value:9.3g}  {told}{'  slower' if ratio and ratio > given.most else ''}")
    gone = sorted(before.keys() - now.keys())
    for name in gone:
        print(f"{name}: in the baseline only")
    slower = [name for name, _, _, ratio in rows if ratio is not None and ratio > given.most]
    print(f"{len(slower)} of {len(rows)} slower than {given.most:g} times the baseline")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
