"""What a proof says: both texts ran from the same start, and this came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

PROVEN, NO_GAIN, DIFFERS, NOT_RUN = "proven", "no gain", "differs", "not run"


@dataclass(frozen=True)
class Proof:
    """One verdict: ``proven``, ``no gain``, ``differs`` or ``not run``; `why` says more of the last two.

    Peaks are bytes. The differences are the largest over all results; both 0 where every bit is the same.
    """

    verdict: str
    why: str = ""
    peak_before: int = 0
    peak_after: int = 0
    relative: float = 0.0
    absolute: float = 0.0


class Prove(Protocol):
    """Runs two texts from copies of the same names, and compares what they leave (but for the names to ignore)."""

    def __call__(self, before: str, after: str, namespace: Mapping[str, Any], ignore: Iterable[str] = ()) -> Proof: ...
