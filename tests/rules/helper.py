"""Advice on a few lines: what the tests of the rules ask for."""

from __future__ import annotations

import textwrap
import warnings
from typing import Any

import npmem_magic
from npmem_magic.trace import Advice, Tempting, Trace


def traced(setup: str, cell: str, verify: bool | None = None) -> Trace:
    """The trace of `cell` after `setup` (both dedented, ``np`` and ``N = 1_000_000`` given)."""
    names: dict[str, Any] = {"__name__": "__main__"}
    exec("import numpy as np\nN = 1_000_000\n" + textwrap.dedent(setup), names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return npmem_magic.trace(textwrap.dedent(cell).strip("\n"), namespace=names, sampler="off", verify=verify)


def advice(rule: str, setup: str, cell: str, verify: bool | None = None) -> list[Advice]:
    """The pieces that one rule gives."""
    return [each for each in traced(setup, cell, verify).advice if each.rule == rule]


def texts(rule: str, setup: str, cell: str) -> list[str]:
    """What one rule would write."""
    return [each.after for each in advice(rule, setup, cell)]


def warnings_of(setup: str, cell: str) -> tuple[Tempting, ...]:
    """What would be tempting and wrong."""
    return traced(setup, cell).tempting
