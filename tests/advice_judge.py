"""Judges advice on runnable cases: every piece is taken over and run from the same start.

A piece is wrong if it does not run, breaks its own promise, changes another name, does not lower the peak, or predicted
another saving. A case is found if some piece saves at least 80 % of what the case's own rewrite saves.
"""

from __future__ import annotations

import gc
import json
import os
import re
import sys
import time
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import npmem_magic
from npmem_magic.cell import Cell, PlainPython
from npmem_magic.record import Options, record
from npmem_magic.trace import Advice

CASES = Path(__file__).parent / "cases" / "rule_pairs.json"
LEAST = 1 << 20
FOUND = 0.8
Names = dict[str, Any]


@dataclass
class Judged:
    """One case: what its own rewrite saves, what each piece of advice really saves, and what is wrong with them."""

    case: str
    rule: str
    verdict: str
    worth: int = 0
    pieces: list[tuple[str, int, int, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0
    error: str = ""

    @property
    def is_positive(self) -> bool:
        """Whether there is something to be found: the case's own rewrite lowers the peak."""
        return self.verdict.startswith("positive") and self.worth >= LEAST

    @property
    def is_found(self) -> bool:
        return any(saved >= FOUND * self.worth for _, saved, _, _ in self.pieces)


def smaller(text: str) -> str:
    """The case on arrays of an eighth: still above the size from which NumPy reuses temporaries."""
    return re.sub(r"\b8_000_000\b", os.environ.get("NPMEM_CASES_N", "1_000_000"), text)


def start(case: dict[str, Any]) -> Names:
    names: Names = {"__name__": "__main__"}
    exec(smaller(case["setup"]), names)
    return names


def run(case: dict[str, Any], source: str) -> tuple[Names, int]:
    """The names after running `source` from the case's start, and its peak."""
    names = start(case)
    work = Cell.from_source(source, PlainPython(), names)
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        recording = record(work, names, Options(sampler="off"))
    if recording.outcome.error is not None:
        raise recording.outcome.error
    return names, recording.trace.peak


def judge(case: dict[str, Any]) -> Judged:
    """Trace the case, take over every piece of advice, and look at what it does."""
    found = Judged(case["id"], case["rule"], case["verdict"])
    began = time.perf_counter()
    before = smaller(case["before"])
    try:
        names, peak = run(case, before)
    except ImportError as error:
        found.error = f"left out: {error}"
        return found
    try:
        found.worth = peak - run(case, smaller(case["after"]))[1]
    except Exception:
        found.worth = 0  # the tempting rewrite of a negative case raises
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mine = start(case)
        trace = npmem_magic.trace(before, namespace=mine, sampler="off")
    del mine
    for advice in trace.advice:
        saved, why = _take_over(case, trace, advice, names, peak)
        found.pieces.append((advice.rule, saved, advice.saving, advice.keeps))
        if why:
            found.wrong.append(f"{advice.rule}: {why}")
    found.seconds = time.perf_counter() - began
    return found


def _take_over(case: dict[str, Any], trace: Any, advice: Advice, names: Names, peak: int) -> tuple[int, str]:
    """(bytes saved, what is wrong with it)."""
    source = trace.apply(advice)
    try:
        after, lower = run(case, source)
    except Exception as error:
        return 0, f"raises {type(error).__name__}: {error}"
    saved = peak - lower
    if saved <= 0:
        return saved, "the peak does not fall"
    if abs(saved - advice.saving) > 0.01 * saved + 65536:
        return saved, f"saves {saved}, not {advice.saving}"
    why = broken(names, after, advice.keeps)
    if why and not broken(run(case, smaller(case["before"]))[0], names, advice.keeps):
        return saved, why
    return saved, ""  # what the case itself leaves differs from run to run: a path, an empty array


def broken(before: Names, after: Names, keeps: str) -> str:
    """How the names after the rewrite break the promise, or nothing."""
    figure = re.search(r"\d\.?\d*e[+-]\d+", keeps)
    limit = float(figure[0]) if figure and keeps.startswith("close") else 0.0
    given_up = set(re.findall(r"`(\w+)`", keeps)) if keeps.startswith("ask") else set()
    for name in before.keys() - given_up:
        if name.startswith("__"):
            continue
        if name not in after:
            return f"{name} is gone"
        if why := differs(before[name], after[name], limit):
            return f"{name}: {why}"
    return ""


def differs(one: Any, two: Any, limit: float) -> str:
    if isinstance(one, ModuleType) or callable(one):
        return ""
    if type(one) is not type(two):
        return f"{type(one).__name__} became {type(two).__name__}"
    if isinstance(one, np.random.Generator):
        return "" if one.bit_generator.state == two.bit_generator.state else "another random state"
    if isinstance(one, np.ma.MaskedArray):
        mask = differs(np.ma.getmaskarray(one), np.ma.getmaskarray(two), 0.0)
        return mask or differs(one.filled(0), two.filled(0), limit)
    if isinstance(one, np.ndarray | np.generic | float | complex):
        return differing(np.asarray(one), np.asarray(two), limit)
    if isinstance(one, list | tuple):
        return next(filter(None, (differs(a, b, limit) for a, b in zip(one, two, strict=True))), "")
    if isinstance(one, dict):
        return next(filter(None, (differs(one[key], two[key], limit) for key in one)), "")
    if hasattr(one, "equals"):
        return "" if one.equals(two) or not _frames_differ(one, two, limit) else "differs"
    if hasattr(one, "toarray"):
        return differs(one.toarray(), two.toarray(), limit)
    return "" if one == two or not isinstance(one, int | str | bytes | bool) else "differs"


def _frames_differ(one: Any, two: Any, limit: float) -> str:
    return differs(one.to_numpy(), two.to_numpy(), limit)


def differing(one: np.ndarray, two: np.ndarray, limit: float) -> str:
    if one.dtype != two.dtype:
        return f"{one.dtype} became {two.dtype}"
    if one.shape != two.shape:
        return f"shape {one.shape} became {two.shape}"
    if one.dtype.names:
        return next(filter(None, (differing(one[name], two[name], limit) for name in one.dtype.names)), "")
    if one.dtype.kind not in "fc":
        return "" if np.array_equal(one, two) else "differs"
    if np.array_equal(one, two, equal_nan=True):
        return ""
    scale = float(np.nanmax(np.abs(two))) if limit else 0.0
    if limit and np.allclose(one, two, rtol=limit, atol=limit * scale, equal_nan=True):
        return ""
    return f"differs by {float(np.nanmax(np.abs(one - two))):.2g}"


def load() -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads(CASES.read_text(encoding="utf-8"))
    return cases


def main(wanted: list[str]) -> None:
    """Judge the cases named on the command line (all without), one JSON line each."""
    for case in load():
        if not wanted or case["id"] in wanted or case["rule"] in wanted:
            print(json.dumps(asdict(judge(case))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
