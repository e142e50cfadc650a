"""What a check yields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .facts import Machine

WEIGHTS = ("trap", "caution", "note")


@dataclass(frozen=True)
class Finding:
    """One thing found: what was seen, why it matters, what to do. `weight` is one of `WEIGHTS`."""

    weight: str
    about: str
    seen: str
    matters: str
    do: str


Checks = tuple[Callable[[Machine], Iterator[Finding]], ...]
