"""Records of the meta-algorithms that are lists of stages."""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import MetaAlgorithmPlugin, Option


def staged() -> Iterator[MetaAlgorithmPlugin]:
    """Yield what trains other models first."""
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
