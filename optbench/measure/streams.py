"""The random streams of a trial."""

from optbench.api.streams import SeededStreams

__all__ = ["SeededStreams"]
