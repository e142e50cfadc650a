"""Advice: what the rules suggest, asked whether it is safe, proven where it can be, and ranked.

`Advisor` is made before the run, so that it can note what the names are; afterwards it turns a trace without advice
into one with.
"""

from __future__ import annotations

import ast
import math
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..cell import Cell, Work
from ..compare import prove
from ..compare.equality import Equality
from ..compare.proof import NOT_RUN, PROVEN, Verdict
from ..export import apply_advice
from ..host import NpmemError
from ..record import Options, Recording, record
from ..rewriting.facts import Notes
from ..rewriting.suggestion import ASK, SAME, Suggestion, Tempting, edit_of
from ..rewriting.view import CellView
from ..rules import rules
from ..trace import Advice, Trace
from .ranking import Candidate, best_first
from .start import FREELY, Start

LEAST = 1 << 20  # bytes below which nothing is said
SHARE = 20  # and nothing below one in so many of the cell's peak
CHEAP = 1.5  # seconds of the processor that a cell may take for its advice to be proven without being asked
BUDGET = 5.0  # such seconds for all proofs together, without being asked
CLOSE_ENOUGH = 3e-5  # relative difference beyond which nothing is called rounding: float32 sums of millions come near


def advised(work: Work, namespace: dict[str, Any], options: Options, verify: bool | None = None) -> Recording:
    """`record`, with advice in the trace. Calls of functions get none: there is no text to change."""
    if not isinstance(work, Cell):
        return record(work, namespace, options)
    advisor = Advisor(work, verify)
    began = time.process_time()
    recording = record(work, namespace, replace(options, before_statement=advisor.before_statement))
    return replace(recording, trace=advisor.advise(recording.trace, time.process_time() - began))


class Advisor:
    """Advises on one run of a cell.

    Parameters
    ----------
    verify : bool or None
        True: show only what was proven, at whatever cost. False: prove nothing. None: prove what is cheap.
    """

    def __init__(self, cell: Cell, verify: bool | None = None) -> None:
        self._verify = verify
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(cell.source)
        self._notes = Notes(cell, tree)
        limit = (1 << 62) if verify else FREELY
        self._start = Start(tree, cell.namespace, limit) if verify is not False else None
        self.before_statement = self._notes.before_statement

    def advise(self, trace: Trace, seconds: float) -> Trace:
        """The trace with its advice, and with what would be tempting and wrong; it took `seconds` of the processor."""
        noted = self._notes.afterwards()
        if trace.error is not None or trace.peak < LEAST:
            return trace
        view = CellView.read(trace, noted)
        candidates = list(self._judged(view, seconds))
        return replace(trace, advice=tuple(each.advice for each in best_first(candidates)), tempting=_tempting(view))

    def _judged(self, view: CellView, seconds: float) -> Iterator[Candidate]:
        began = time.process_time()
        names = self._start.names() if self._start is not None else None
        for name, suggestion in _suggestions(view):
            advice = _drafted(view, name, suggestion)
            if advice is None:
                continue
            after = apply_advice(view.trace.source, view.trace.first_line, [advice])
            if not _parses(after):
                continue
            may_prove = self._verify or (seconds <= CHEAP and time.process_time() - began < BUDGET)
            proof = Verdict(NOT_RUN)
            if names is not None and self._verify is not False and may_prove:
                least = max(LEAST, view.trace.peak // SHARE)
                proof = prove(view.trace.source, after, names, least=least, forget=suggestion.gives_up)
            judged = _decided(advice, suggestion, proof, bool(self._verify), view.trace.peak)
            if judged is not None:
                yield Candidate(judged, suggestion.effort, suggestion.first.node.lineno, suggestion.last.node.lineno)


def _suggestions(view: CellView) -> Iterator[tuple[str, Suggestion]]:
    """What the rules suggest, without what writes into a buffer that somebody else looks at."""
    for rule in rules().values():
        for suggestion in rule.suggest(view):
            if not any(_obstacle(suggestion, path) for path in suggestion.overwrites):
                yield rule.name, suggestion


def _obstacle(suggestion: Suggestion, path: str) -> str:
    fact = suggestion.first.fact(path)
    return "nothing is known of it" if fact is None else fact.obstacle


def _drafted(view: CellView, rule: str, suggestion: Suggestion) -> Advice | None:
    edit = edit_of(suggestion)
    if edit is None:
        return None
    line, before, after = edit
    advice = Advice(rule, line, before, after, suggestion.saving, suggestion.keeps, "measured", suggestion.why)
    try:
        apply_advice(view.trace.source, view.trace.first_line, [advice])
    except NpmemError:
        return None  # the same text stands twice on the line
    return advice


def _parses(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _decided(advice: Advice, suggestion: Suggestion, proof: Verdict, must: bool, peak: int) -> Advice | None:
    """The advice as it is shown, or None where it is not."""
    if proof.kind == PROVEN and proof.equality is not None:
        keeps = _promise(suggestion, proof.equality)
        return replace(advice, saving=proof.saving, keeps=keeps, verdict="proven") if keeps else None
    is_enough = suggestion.is_sure and suggestion.saving >= max(LEAST, peak // SHARE)
    if proof.kind != NOT_RUN or must or not is_enough:
        return None
    return replace(advice, keeps=f"{ASK}: {suggestion.caveat}" if advice.keeps == ASK else advice.keeps)


def _promise(suggestion: Suggestion, equality: Equality) -> str:
    """What the rewrite was seen to keep; empty where that is less than its rule promised."""
    if suggestion.keeps == ASK:
        return f"{ASK}: {suggestion.caveat}"
    if equality.verdict == SAME:
        return SAME
    if suggestion.keeps == SAME:
        return ""
    if equality.largest_relative <= CLOSE_ENOUGH:
        return f"close: relative difference up to {_figure(equality.largest_relative)}"
    return f"close: absolute difference up to {_figure(equality.largest_absolute)}"


def _figure(difference: float) -> str:
    """A bound above the difference that was seen: another machine adds up in another order."""
    return f"{10.0 ** math.ceil(math.log10(max(difference * 2, 1e-12))):.0e}"


def _tempting(view: CellView) -> tuple[Tempting, ...]:
    return tuple(dict.fromkeys(each for rule in rules().values() for each in rule.warn(view)))
