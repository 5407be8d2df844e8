"""Records of the meta-algorithms that report something else than the iterate."""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import MetaAlgorithmPlugin, Option


def readouts() -> Iterator[MetaAlgorithmPlugin]:
    """Yield the averages of iterates."""
    yield MetaAlgorithmPlugin(
        name="polyak",
        factory="optbench_meta.polyak:Polyak",
        summary="Reports an average of the iterates.",
        options={
            "mode": Option(
                default="mean", doc="the mean of the iterates, or their exponential average", choices=("mean", "ema")
            ),
            "start": Option(default=0, doc="iterates that are left out at the beginning", low=0),
            "decay": Option(default=0.99, doc="weight of the average so far, for mode='ema'", low=0.0, high=1.0),
        },
        cite="Polyak, Juditsky: Acceleration of stochastic approximation by averaging, SIAM J. Control Optim., 1992",
    )
