"""optbench measures optimizers and training meta-algorithms: time, memory, convergence."""

__version__ = "0.1.0"
