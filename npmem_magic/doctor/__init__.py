"""The doctor: looks at the machine, NumPy and what measures here, and names the traps, each with what to do about it.

`look` reads facts, `of_machine` and `of_software` judge them; nothing is changed, and nothing set on any device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from . import look, of_machine, of_software
from .facts import Machine
from .finding import WEIGHTS, Finding

__all__ = ["Checkup", "Finding", "Machine", "examine", "findings"]


@dataclass(frozen=True)
class Checkup:
    """What was seen, and what follows from it: the worst finding first."""

    machine: Machine
    findings: tuple[Finding, ...]

    def to_document(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        return {"format": "npmem_magic checkup", "version": 1, **asdict(self)}


def examine(namespace: Mapping[str, object], trim: bool = False) -> Checkup:
    """Look at this machine and this process.

    Parameters
    ----------
    namespace : mapping
        The user's names: the bytes of the arrays they reach are set beside the resident set.
    trim : bool
        Have the C library give back what it can (``malloc_trim(0)``, harmless, perhaps a second long), and say how
        much it was.
    """
    machine = look.machine(namespace, trim)
    return Checkup(machine, findings(machine))


def findings(machine: Machine) -> tuple[Finding, ...]:
    """Everything that the checks find in these facts, the gravest first."""
    found = [finding for check in (*of_machine.CHECKS, *of_software.CHECKS) for finding in check(machine)]
    return tuple(sorted(found, key=lambda finding: WEIGHTS.index(finding.weight)))
