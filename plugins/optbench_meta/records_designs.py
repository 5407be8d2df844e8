"""Records of the meta-algorithms that change the model."""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import Feature, MetaAlgorithmPlugin, Option

_OF_A_MODEL: frozenset[Feature] = frozenset({"blocks", "model", "data"})


def designs() -> Iterator[MetaAlgorithmPlugin]:
    """Yield the models that are designed to aid optimization."""
    yield _batch_norm()


def _batch_norm() -> MetaAlgorithmPlugin:
    return MetaAlgorithmPlugin(
        name="batch-norm",
        factory="optbench_meta.batch_norm:batch_norm",
        summary="Normalises what hidden layers put out by the statistics of the minibatch, before the nonlinearity; "
        "running averages, of variances the unbiased m/(m-1) ones, take their place after training.",
        options={
            "variant": Option(
                default="normalise",
                doc="reparametrise the model; or, as before: a penalty on the statistics, or put right after each step",
                choices=("normalise", "penalty", "renormalise"),
            ),
            "placement": Option(
                default="XW",
                doc="before the bias, which gives way to the learned shift; a layer's inputs; the network's inputs",
                choices=("XW", "X", "input"),
            ),
            "layers": Option(default=[], doc="blocks whose layers are normalised; none: all hidden ones"),
            "momentum": Option(default=0.1, doc="weight of a new minibatch in the running averages", low=0.0, high=1.0),
            "eps": Option(default=1e-8, doc="what is added to the variance, δ in 8.37", low=0.0),
            "affine": Option(default=True, doc="learn a scale and a shift of what is normalised"),
            "per_location": Option(
                default=False, doc="statistics of each place of a picture, not of a feature map: advised against"
            ),
            "penalty": Option(default=0.1, doc="weight of the penalty, with variant='penalty'", low=0.0),
        },
        needs=_OF_A_MODEL,
        needs_with={"variant": {"renormalise": frozenset({"step-hook", "movable-point"})}},
        cite="Ioffe, Szegedy: Batch normalization, ICML (2015); Goodfellow et al., Deep Learning (2016), section 8.7.1",
    )
