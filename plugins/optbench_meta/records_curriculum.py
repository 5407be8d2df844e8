"""Records of the meta-algorithms that begin with easier objectives."""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import MetaAlgorithmPlugin, Option

_BOOK = "Goodfellow, Bengio, Courville: Deep Learning, 2016, section 8.7.6"


def easier_first() -> Iterator[MetaAlgorithmPlugin]:
    """Yield continuation and curricula."""
    yield _continuation()
    yield _curriculum()


def _continuation() -> MetaAlgorithmPlugin:
    return MetaAlgorithmPlugin(
        name="continuation",
        factory="optbench_meta.continuation:Continuation",
        summary="Minimises the objective behind Gaussian blur that falls stage by stage to none.",
        options={
            "sigmas": Option(default=[], doc="widths of the blur, falling; none: as the next three say", low=0.0),
            "stages": Option(default=4, doc="with blur, before the last without", low=1, high=1000),
            "sigma": Option(default=1.0, doc="width of the first stage's blur", low=0.0, search="log", span=(0.01, 10)),
            "schedule": Option(
                default="linear", doc="how the width falls: in equal steps, or by half", choices=("linear", "geometric")
            ),
            "blur": Option(
                default="auto",
                doc="by the problem's closed form, or by sampling; auto: sampled where there is none",
                choices=("auto", "closed-form", "sampled"),
            ),
            "samples": Option(default=16, doc="of a sampled blur, each of which counts", low=1, high=100000),
            "antithetic": Option(default=True, doc="whether samples come in pairs z and −z"),
            "share": Option(
                default=0.5, doc="part of the budget for all stages with blur, the same for each", low=0.01, high=0.99
            ),
            "gradient_tolerance": Option(
                default=0.0,
                doc="of |g|∞, at which a stage with blur ends; 0: where its share or the optimizer does",
                low=0.0,
            ),
            "keep_state": Option(default=False, doc="whether the optimizer's state goes on from stage to stage"),
        },
        random_options={"blur": ("auto", "sampled")},
        cite=f"{_BOOK}; Mobahi, Fisher: A theoretical analysis of optimization by Gaussian continuation, AAAI, 2015",
    )


def _curriculum() -> MetaAlgorithmPlugin:
    return MetaAlgorithmPlugin(
        name="curriculum",
        factory="optbench_meta.curriculum:Curriculum",
        summary="Begins with the easier examples.",
        options={
            "by": Option(
                default="sampling",
                doc="easier examples are drawn more often, or weigh more in the loss",
                choices=("sampling", "weight"),
            ),
            "mode": Option(
                default="stochastic",
                doc="a random mix at all times, or only what is open yet",
                choices=("stochastic", "deterministic"),
            ),
            "pacing": Option(
                default="linear",
                doc="how the open part of the examples grows with the minibatches",
                choices=("linear", "exponential", "root", "step"),
            ),
            "start": Option(default=0.2, doc="open part at the beginning, the easiest examples", low=0.001, high=1.0),
            "steps": Option(default=500, doc="minibatches until all examples are open", low=1),
            "stages": Option(
                default=4, doc="before that with all examples, each with more of them open; without minibatches", low=1
            ),
            "share": Option(
                default=0.5, doc="part of the budget for these stages, the same for each", low=0.01, high=0.99
            ),
            "mix": Option(
                default=0.2, doc="part drawn from all examples at any time, for mode='stochastic'", low=0.01, high=1.0
            ),
        },
        needs=frozenset({"difficulty"}),
        needs_with={"by": {"sampling": frozenset({"minibatches"})}},
        random_options={"mode": ("stochastic",)},
        cite="Bengio, Louradour, Collobert, Weston: Curriculum learning, ICML, 2009; Zaremba, Sutskever: Learning to "
        f"execute, arXiv 1410.4615, 2014; {_BOOK}",
    )
