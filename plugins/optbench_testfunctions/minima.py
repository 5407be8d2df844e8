"""What is known of a function's minima."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Minima:
    """Values of f, not points; they hold for the standard options of a problem, or for all where it says so."""

    f_star: float | None = None  # the least value; None: not known for these options
    source: str = ""  # "exact" | "best known" | ""
    from_start: float | None = None  # where descent from the standard start ends, if elsewhere
    local: tuple[float, ...] = ()  # values of other minima that descent may end at: no slope, no negative curvature


class Stated:
    """What a problem says of its minima, from its field `minima`."""

    minima: Minima

    @property
    def f_star(self) -> float | None:
        """The least value; None where it is not known, or f is unbounded below."""
        return self.minima.f_star

    @property
    def f_star_source(self) -> str:
        """How far to trust `f_star`."""
        return self.minima.source

    @property
    def f_star_from_start(self) -> float | None:
        """Where descent from the start ends, if elsewhere and known."""
        return self.minima.from_start

    @property
    def local_minima(self) -> tuple[float, ...]:
        """Values of other minima that descent may end at; some lie at infinity."""
        return self.minima.local


ZERO = Minima(f_star=0.0, source="exact")
UNKNOWN = Minima()


def exact(f_star: float) -> Minima:
    """Return a least value that is known in closed form."""
    return Minima(f_star=f_star, source="exact")


def best_known(f_star: float, *, from_start: float | None = None, local: tuple[float, ...] = ()) -> Minima:
    """Return the least value that anybody found."""
    return Minima(f_star=f_star, source="best known", from_start=from_start, local=local)
