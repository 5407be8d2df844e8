"""What a figure of the page says in words: sections and their rows of charts have them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure: `id` names its chart in the page and its static file."""

    id: str
    question: str
    caption: str
    how: str
    height: int = 380
