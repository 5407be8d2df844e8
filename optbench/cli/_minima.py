"""What a problem says of its minima, for `optbench show`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optbench.registry import Registered


def minima_of(problem: Registered, options: Mapping[str, Any]) -> dict[str, Any]:
    """Build a problem with seed 0 and return what it says of its minima.

    Returns:
        Size, f*, its source, where descent from the start ends if elsewhere, and the values of other minima that
        descent may end at; or, where it can't be built here, the reason as `not_known`. Nothing for problems of
        learning, which know no minima and whose data may be far away.
    """
    if problem.record.kind == "learning":
        return {}
    from optbench.testing.subject import Subject
    from optbench.testing.trials import place

    try:
        built = Subject(problem, options).problem(place())
    except Exception as error:  # noqa: BLE001 -- whatever a third party's factory raises, the rest is shown
        return {"not_known": f"it can't be built here: {str(error).partition(chr(10))[0] or type(error).__name__}"}
    return {
        "size": built.size,
        "f_star": built.f_star,
        "f_star_source": built.f_star_source,
        "f_star_from_start": built.f_star_from_start,
        "local_minima": list(getattr(built, "local_minima", ())),
    }


def facts_of(minima: Mapping[str, Any]) -> dict[str, str]:
    """Return the labelled lines of what `minima_of` returned; numbers with every digit."""
    if "not_known" in minima or not minima:
        return {"minima": minima.get("not_known", "")}
    from_start, others = minima["f_star_from_start"], minima["local_minima"]
    known = "" if minima["f_star"] is None else f"{minima['f_star']!r} ({minima['f_star_source']})"
    return {
        "parameters": str(minima["size"]),
        "f*": known or "not known, or unbounded below",
        "from start": "" if from_start is None else f"descent ends at {from_start!r}",
        "other minima": ", ".join(map(repr, others)),
    }
