"""Which code the pure ledger follows."""

from __future__ import annotations

from types import CodeType

from .plans import Plan
from .tally import Tally

CALIBRATION = "<npmem calibration>"
_IDLE = compile("pass\n" * 40, CALIBRATION, "exec")  # forty instructions that do nothing


class Followed:
    """Which code objects are followed, and the plan of each that has run."""

    def __init__(
        self, files: tuple[str, ...], partial: tuple[str, ...], codes: tuple[CodeType, ...], tally: Tally
    ) -> None:
        self._files, self._partial = frozenset(files), frozenset(partial)
        self._codes = {id(code): code for code in codes}  # a code object's own hash reads all of it
        self._tally = tally
        self.plans: dict[int, Plan] = {}

    def wants(self, code: CodeType) -> bool:
        """Whether the code is followed."""
        return code.co_filename in self._files or (code.co_filename in self._partial and id(code) in self._codes)

    def add(self, code: CodeType) -> Plan:
        """The plan of a code object that starts for the first time."""
        plan = self.plans[id(code)] = self._tally.plan(code, code.co_filename in self._files)
        return plan

    def calibrate(self) -> None:
        """Have forty instructions that do nothing counted, after a first round in which all tables find their size."""
        files, self._files = self._files, frozenset([CALIBRATION])
        exec(_IDLE, {})
        for line in self._tally.lines.records:
            line.net = line.peak = 0
        exec(_IDLE, {})
        self._files = files
