"""The arms of an optimizer whose meta-algorithms are switched on and off, and which two differ in which one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from optbench.records import Ablation, Component
from optbench.suites.schema import AblateMode

Parts = tuple[Component, ...]
Switches = tuple[bool, ...]  # of each factor, whether it is on

MOST_FACTORS = 6  # of which all combinations are run: 64 arms


def arms(factors: Sequence[Parts], mode: AblateMode) -> tuple[Switches, ...]:
    """Return which factors are on in each arm, from none of them to all."""
    count = len(factors)
    if mode == "combinations":
        chosen = itertools.product((False, True), repeat=count)
        return tuple(sorted(chosen, key=lambda switches: (sum(switches), [not on for on in switches])))
    singled = tuple(tuple(index == place for place in range(count)) for index in range(count))
    if mode == "one-at-a-time":
        return ((False,) * count, *singled)
    return (*(tuple(not on for on in switches) for switches in singled), (True,) * count)


def switched(factors: Sequence[Parts], switches: Switches) -> Parts:
    """Return the meta-algorithms that are on, in the stated order."""
    return tuple(itertools.chain.from_iterable(part for part, on in zip(factors, switches, strict=True) if on))


def ablations(base: Parts, factors: Sequence[Parts], mode: AblateMode) -> Iterator[Ablation]:
    """Yield the pairs of arms that differ in one factor only; `base` is the optimizer with what is always on."""
    chosen = arms(factors, mode)
    for index, factor in enumerate(factors):
        for switches in chosen:
            without = tuple(on and place != index for place, on in enumerate(switches))
            if switches[index] and without in chosen:
                yield Ablation(
                    factor=factor,
                    base=base,
                    present=(*base, *switched(factors, switches)),
                    absent=(*base, *switched(factors, without)),
                )


def distinct(found: Sequence[Ablation]) -> tuple[Ablation, ...]:
    """Return each once; records with options can't be hashed."""
    return tuple(item for place, item in enumerate(found) if item not in found[:place])
