"""Meta-algorithms: what they change is the recipe, and any number of them compose."""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import MetaAlgorithmPlugin, Option, hookimpl


@hookimpl
def optbench_meta_algorithms() -> Iterator[MetaAlgorithmPlugin]:
    """Yield the meta-algorithms."""
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
    yield MetaAlgorithmPlugin(
        name="pretrain-greedy",
        factory="optbench_meta.pretrain_greedy:GreedyPretraining",
        summary="Trains the hidden layers one at a time as shallow supervised nets, then all of them jointly.",
        options={
            "share": Option(
                default=0.5, doc="part of the budget for pretraining, the same for each layer", low=0.01, high=0.99
            )
        },
        needs=frozenset({"blocks"}),
        cite="Bengio, Lamblin, Popovici, Larochelle: Greedy layer-wise training of deep networks, NIPS 2007",
    )
