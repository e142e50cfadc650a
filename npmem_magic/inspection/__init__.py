"""What a run did to dtypes: the arrays it made or changed, where they grew, what went wrong, what ran crosswise."""

from __future__ import annotations

from .casts import LostCast
from .crosswise import Crosswise, crosswise_of
from .expect import Expectation, ExpectationError, parse_expectations, unmet
from .report import Inspection, Snapshot, inspect

__all__ = [
    "Crosswise",
    "Expectation",
    "ExpectationError",
    "Inspection",
    "LostCast",
    "Snapshot",
    "crosswise_of",
    "inspect",
    "parse_expectations",
    "unmet",
]
