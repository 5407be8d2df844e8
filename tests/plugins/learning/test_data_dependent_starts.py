"""Data-dependent weights on every net that is registered, looked at by hooks of torch's own."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from optbench.api.errors import MissingData
from optbench.api.streams import SeededStreams
from optbench.registry import load_catalogue, missing_library
from optbench.testing.subject import Subject
from optbench.testing.trials import place

CATALOGUE = load_catalogue()
STREAMS = SeededStreams(0)
NETS = [item for item in CATALOGUE.records("problems") if "activation" in item.record.options]
RECURRENT = [item for item in CATALOGUE.records("problems") if "cell" in item.record.options]
DEEP = {"mlp-digits": {"activation": "sigmoid", "depth": 20, "hidden": [10]}, "convnet-digits": {"depth": 8}}
CASES = [
    *((item, {"activation": activation}) for item in NETS for activation in ("relu", "sigmoid", "maxout")),
    *((item, {"cell": "lstm"}) for item in RECURRENT),
    *((CATALOGUE.get("problems", name), options) for name, options in DEEP.items()),
]


def spreads(registered, weights, **options):
    """Return the standard deviation of what each linear map, convolution and embedding puts out at the start."""
    if why := missing_library(registered.record):
        pytest.skip(why)
    chosen = {"examples": 60, "batch_size": 40, **options, "weights": weights}
    try:
        problem = Subject.with_options(registered, chosen, CATALOGUE).problem(place())
    except MissingData as missing:
        pytest.skip(str(missing))
    model, x, found = problem.model, problem.start(STREAMS).parameters, {}
    nn.utils.vector_to_parameters(x.clone(), model.parameters())
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.Embedding):
            module.register_forward_hook(
                lambda _, __, made, name=name: found.update({name: float(made.std(correction=0))})
            )
    order = torch.randperm(problem.examples, generator=STREAMS("weights", "minibatch"))
    with torch.no_grad():
        model(problem.data["train"][0][order[:40]])
    return list(found.values())


@pytest.mark.parametrize(("registered", "options"), CASES, ids=lambda item: getattr(item, "name", str(item)))
def test_every_layers_spread_comes_within_the_tolerance(registered, options):
    found = spreads(registered, "data-dependent(spread=0.7, tolerance=0.01)", **options)
    assert len(found) >= 2
    assert found == pytest.approx([0.7] * len(found), abs=0.01)


def test_without_looking_at_data_the_spreads_of_a_deep_net_are_far_off():
    found = spreads(CATALOGUE.get("problems", "mlp-digits"), "orthogonal", **DEEP["mlp-digits"])
    assert max(abs(math.log(spread / 0.7)) for spread in found) > 0.5
