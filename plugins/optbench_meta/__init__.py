"""Meta-algorithms: what they change is the recipe, and any number of them compose.

Their records stand by what a recipe gets of them: `records_designs`, `records_readouts`, `records_stages`,
`records_curriculum`.
"""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import MetaAlgorithmPlugin, hookimpl
from optbench_meta.records_curriculum import easier_first
from optbench_meta.records_designs import designs
from optbench_meta.records_readouts import readouts
from optbench_meta.records_stages import staged


@hookimpl
def optbench_meta_algorithms() -> Iterator[MetaAlgorithmPlugin]:
    """Yield the meta-algorithms."""
    yield from designs()
    yield from readouts()
    yield from staged()
    yield from easier_first()
