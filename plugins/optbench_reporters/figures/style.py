"""What the static figures share: seaborn's style, the looks of lines, legends, files."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from optbench.records import ReportModel
from optbench_reporters.palette import GREY, Slot
from optbench_reporters.view import power

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (6.4, 3.9)  # inches
FRAME = (0.105, 0.135, 0.565, 0.79)  # of the axes in the figure: fixed, since finding the best one takes twice as long
LABEL_LENGTH = 26  # of a line beside the axes
NAME_LENGTH = 30  # of what can't take several lines
TITLE_LENGTH = 64  # what fits above them
MOST_LISTED = 16  # names in a legend; further grey lines share one
DIM = "#5b6572"
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "optbench",
    "pdf.fonttype": 42,
    "axes.titlesize": 10,
    "legend.fontsize": 7.5,
}
ABOUT: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": "optbench"},
    "pdf": {"CreationDate": None, "Creator": "optbench"},
}
RASTERED = ("scaling", "scaling-time")  # figures that are PNG, too
PIXELS_AN_INCH = 160


@dataclass(frozen=True)
class Look:
    """How one optimizer is drawn."""

    label: str
    slot: Slot

    @property
    def grey(self) -> bool:
        """Whether it is one of the many that have no colour of their own."""
        return self.slot is GREY

    def style(self) -> dict[str, Any]:
        """Return matplotlib's keywords for a line."""
        width = 0.8 if self.grey else 1.6
        pattern = tuple(part / width / 1.3 for part in self.slot.dash)
        style: dict[str, Any] = {"color": self.slot.light, "linewidth": width}
        return {**style, "linestyle": (0, pattern) if pattern else "-", "zorder": 2 if self.grey else 3}


@dataclass(frozen=True)
class Canvas:
    """What a figure is drawn from."""

    model: ReportModel
    target: float
    looks: Sequence[Look]  # in the order of the report's optimizers

    def look(self, optimizer: str) -> Look:
        """Return the look of an optimizer by its id."""
        return self.looks[[item.id for item in self.model.optimizers].index(optimizer)]


def looks_of(model: ReportModel, slots: Sequence[Slot]) -> list[Look]:
    """Return the looks of the report's optimizers."""
    return [Look(item.label, slot) for item, slot in zip(model.optimizers, slots, strict=True)]


@contextmanager
def theme() -> Iterator[None]:
    """Set seaborn's style for the figures inside, and leave matplotlib's settings as they were."""
    import matplotlib as mpl
    import seaborn as sns

    with mpl.rc_context(), sns.axes_style("ticks", {"axes.grid": True, "grid.color": "#e1e5ea"}):
        sns.set_context("paper")
        for key, value in STYLE.items():
            mpl.rcParams[key] = value
        yield


def files(name: str, figure: Figure) -> Iterator[tuple[str, bytes]]:
    """Yield (file name, content) of a figure in each format; equal figures give equal files."""
    for kind in (*ABOUT, "png") if name in RASTERED else ABOUT:
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, dpi=PIXELS_AN_INCH, metadata=ABOUT.get(kind))
        yield f"{name}.{kind}", buffer.getvalue()


def new_axes() -> Axes:
    """Return the axes of a figure of its own, so that pyplot's global state is left alone."""
    from matplotlib.figure import Figure

    return Figure(figsize=SIZE).add_axes(FRAME)


def finished(axes: Axes, looks: Sequence[Look]) -> Figure:
    """Return the figure with its legend beside the axes and plain ticks."""
    legend(axes, looks)
    axes.spines[["top", "right"]].set_visible(False)
    plain_ticks(axes)
    figure: Any = axes.figure
    return figure


def legend(axes: Axes, looks: Sequence[Look], **options: Any) -> None:
    """Name the lines beside the axes; where there are too many, the grey ones by their number."""
    from matplotlib.lines import Line2D

    grey = [look for look in looks if look.grey]
    folded = len(looks) > MOST_LISTED
    listed = [(look.label, look) for look in looks if not (folded and look.grey)]
    listed += [(f"{len(grey)} others", grey[0])] if folded and grey else []
    handles = [Line2D([], [], **look.style()) for _, look in listed]
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "frameon": False, "handlelength": 3.2}
    axes.legend(handles, [whole(name) for name, _ in listed], **place, **options)


def whole(text: str) -> str:
    """Return a label in as many lines as it needs beside the axes."""
    return "\n".join(
        plain(line, LABEL_LENGTH) for line in wrap(text, LABEL_LENGTH, subsequent_indent="  ", break_on_hyphens=False)
    )


def plain_ticks(axes: Axes) -> None:
    """Write powers of ten as plain text, which takes a tenth of the time of formulas and can be edited."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        if axis.get_scale() == "log":
            wide = high >= 20 * low
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if 1 <= value < 1e3 else power(value)))
            axis.set_minor_formatter(NullFormatter() if wide else FuncFormatter(lambda value, _: f"{value:g}"))


def plain(text: str, length: int = NAME_LENGTH) -> str:
    """Shorten, and keep matplotlib from reading dollar signs as formulas and leading underscores as "no label"."""
    brief = text if len(text) <= length else text[: length - 1] + "…"
    return brief.replace("$", r"\$").replace("_", "_\u200b", 1) if brief.startswith("_") else brief.replace("$", r"\$")
