"""What `suite` and `run` share: the environment, the server, the session."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optbench.api import UserError

if TYPE_CHECKING:
    from optbench.records import Environment, Limits
    from optbench.registry import Catalogue
    from optbench.runner.session import Session
    from optbench.store import Store

DEFAULT_STORE = Path(".optbench/results.sqlite")


@dataclass(frozen=True)
class Settings:
    """What a session needs beside its plan."""

    suite: dict[str, Any]  # as stored with the run
    threads: int
    limits: Limits
    targets: tuple[str, ...]
    metrics: tuple[str, ...]
    memory: bool
    jobs: int
    preload: tuple[str, ...] = ()  # modules that children need
    weights: Mapping[str, float] = field(default_factory=dict)  # of what is counted, for costs


@contextmanager
def open_session(
    catalogue: Catalogue, store: Store, spool_beside: Path, settings: Settings, **callbacks: Any
) -> Iterator[tuple[Session, Environment]]:
    """Give a session with a running fork server; the server and its children are gone afterwards."""
    from optbench.runner.client import ForkServer
    from optbench.runner.environment import capture
    from optbench.runner.jobs import JobFactory
    from optbench.runner.scoring import Asked
    from optbench.runner.session import Session, spool_folder

    cores = os.cpu_count() or 1
    if settings.threads > cores:
        raise UserError(f"threads: given {settings.threads}", f"allowed: 1 to {cores}, the cores of this machine")
    with ForkServer(settings.threads, settings.preload) as server, spool_folder(spool_beside) as spool:
        environment = capture(modes=server.modes)
        factory = JobFactory(catalogue, machine=environment.fingerprint, metrics=settings.metrics)
        session = Session(
            factory,
            server,
            store,
            store.begin_run(settings.suite, command_line(), environment),
            spool,
            limits=settings.limits,
            asked=Asked(settings.targets, settings.weights),
            memory=settings.memory,
            jobs=settings.jobs,
            **callbacks,
        )
        yield session, environment


def command_line() -> str:
    """Return the command that reproduces this one."""
    return shlex.join(["optbench", *sys.argv[1:]])
