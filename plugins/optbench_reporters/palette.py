"""One table of colours and dashes for the page and the static figures.

Hue stands for the family, lightness and dash for the member. Purple has dash-dots, since it looks blue to deuteranopes.
Each colour has a contrast of at least 3:1 against the card of its theme. Two lines of a figure never look alike:
optimizers beyond the last slot are thin and grey, unless they share no problem with who has a slot and nothing is drawn
of all together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from optbench.records import ReportModel, ReportOptimizer

COLOURED = 12  # more lines can't be told apart


@dataclass(frozen=True)
class Slot:
    """How a line looks: a colour for each theme and the dash pattern in pixels, empty for a solid line."""

    light: str
    dark: str
    dash: tuple[float, ...] = ()


_DASHES = ((), (7, 3), (2.5, 2.5))
_DASH_DOTS = ((10, 3, 2, 3), (6, 2.5, 1.5, 2.5, 1.5, 2.5), (1.2, 3.4))


def _hue(colours: Sequence[tuple[str, str]], dashes: Sequence[tuple[float, ...]] = _DASHES) -> tuple[Slot, ...]:
    return tuple(Slot(light, dark, dash) for (light, dark), dash in zip(colours, dashes, strict=True))


HUES = (
    _hue((("#004c8c", "#58a6e8"), ("#1f83d0", "#9fd0f7"), ("#5c84b5", "#7f9ecb"))),  # blue
    _hue((("#a33a00", "#ff9347"), ("#d9640b", "#ffc28a"), ("#a67a2e", "#cfa55f"))),  # orange
    _hue((("#00634a", "#35c496"), ("#0b9268", "#94e2c5"), ("#63903f", "#a3c97f"))),  # green
    _hue((("#8f1d7d", "#e07fd0"), ("#cc4fae", "#f5b5e6"), ("#b55f82", "#e396b4")), _DASH_DOTS),  # purple
    _hue((("#4a4f57", "#c3c9d2"), ("#6d7580", "#98a1ad"), ("#7d6b5d", "#b9a493"))),  # slate
    _hue((("#9c1c2e", "#ff8a94"), ("#d0435a", "#ffb9bf"), ("#a8575f", "#d98f95")), _DASH_DOTS),  # red
)
GREY = Slot("#8b939d", "#7a8490")


def slots(model: ReportModel, target: float) -> tuple[Slot, ...]:
    """Return the look of each optimizer, in the report's order; the best `COLOURED` by solved share get colours."""
    if not model.ranking and len(model.optimizers) > COLOURED:
        return _shared(model)
    best = [score.optimizer for score in model.scores_at("evaluations", target)][:COLOURED]
    coloured = [optimizer for optimizer in model.optimizers if optimizer.id in best]
    chosen = _assign(coloured)
    return tuple(chosen.get(optimizer.id, GREY) for optimizer in model.optimizers)


def _assign(optimizers: Sequence[ReportOptimizer]) -> dict[str, Slot]:
    """Give each family a hue, as long as there are hues; members beyond its slots take the next slot of each other."""
    families = list(dict.fromkeys(optimizer.family for optimizer in optimizers))
    free = [list(hue) for hue in HUES]
    chosen: dict[str, Slot] = {}
    left = []
    for optimizer in optimizers:
        index = families.index(optimizer.family)
        if index < len(free) and free[index]:
            chosen[optimizer.id] = free[index].pop(0)
        else:
            left.append(optimizer)
    spare = [slot for rank in zip_longest(*free) for slot in rank if slot is not None]
    return chosen | {optimizer.id: slot for optimizer, slot in zip(left, spare, strict=False)}


def _shared(model: ReportModel) -> tuple[Slot, ...]:
    """Return looks that two optimizers have in common only where no problem was run with both."""
    rivals: dict[str, set[str]] = defaultdict(set)
    for cell in model.cells:
        rivals[cell.problem].add(cell.optimizer)
    order = [slot for rank in zip(*HUES, strict=True) for slot in rank][:COLOURED]
    looks: dict[str, Slot] = {}
    for optimizer in model.optimizers:
        met = set().union(*(group for group in rivals.values() if optimizer.id in group))
        taken = {looks[other] for other in met if other in looks}
        looks[optimizer.id] = next((slot for slot in order if slot not in taken), GREY)
    return tuple(looks.values())


def stylesheet(looks: Sequence[Slot]) -> str:
    """Return the CSS rules that give the classes o0, o1, … their colour and dash."""
    rules = ["/* Written with the report: one class for each optimizer, in the order of data/suite.js. */"]
    for index, slot in enumerate(looks):
        rules.append(f".o{index} {{ --c: light-dark({slot.light}, {slot.dark}); }}")
        if slot.dash:
            rules.append(f".line.o{index} {{ stroke-dasharray: {' '.join(f'{part:g}' for part in slot.dash)}; }}")
        if slot is GREY:
            rules.append(f".line.o{index} {{ stroke-width: 1; }}")
    return "\n".join(rules) + "\n"
