"""What all pages are rendered with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from optbench.records.text import commit_text
from optbench_reporters.trends import day

if TYPE_CHECKING:
    from jinja2 import Environment


def environment() -> Environment:
    """Return the templates; texts are escaped, and a name that a page is not given is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("optbench_reporters"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"day": day, "commit": commit_text}
    return made
