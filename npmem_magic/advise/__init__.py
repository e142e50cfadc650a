"""Advice: what the rules suggest, asked whether it is safe, proven where it can be, and ranked.

`Advisor` is made before the run, so that it can note what the names are; afterwards it turns a trace without advice
into one with.
"""

from __future__ import annotations

import ast
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..cell import Cell, Work
from ..compare.proof import NO_GAIN
from ..record import Options, Recording, record, record_async
from ..rewriting.facts import Notes
from ..rewriting.view import CellView
from ..rules import rules
from ..syntax import parsed
from ..trace import Trace
from .drafts import LEAST, Draft, gather
from .proving import Proofs
from .ranking import Candidate, best_first
from .start import FREELY, Start


def advised(work: Work, namespace: dict[str, Any], options: Options, verify: bool | None = None) -> Recording:
    """`record`, with advice in the trace. Calls of functions get none: there is no text to change; nor do runs whose
    Python objects are counted."""
    if not isinstance(work, Cell) or options.python:
        return _without(record(work, namespace, options), options)
    advisor = Advisor(work, verify)
    began = time.thread_time()
    recording = record(work, namespace, replace(options, before_statement=advisor.before_statement))
    return replace(recording, trace=advisor.advise(recording.trace, time.thread_time() - began))


async def advised_async(work: Work, namespace: dict[str, Any], options: Options, verify: bool | None) -> Recording:
    """The same inside of an event loop."""
    if not isinstance(work, Cell) or options.python:
        return _without(await record_async(work, namespace, options), options)
    advisor = Advisor(work, verify)
    began = time.thread_time()
    recording = await record_async(work, namespace, replace(options, before_statement=advisor.before_statement))
    return replace(recording, trace=advisor.advise(recording.trace, time.thread_time() - began))


def _without(recording: Recording, options: Options) -> Recording:
    if not options.python:
        return recording
    notes = (*recording.trace.notes, "No advice with --python: what it notes would be counted with the rest.")
    return replace(recording, trace=replace(recording.trace, notes=notes))


class Advisor:
    """Advises on one run of a cell.

    Parameters
    ----------
    verify : bool or None
        True: show only what was proven, at whatever cost. False: prove nothing. None: prove what is cheap.
    """

    def __init__(self, cell: Cell, verify: bool | None = None) -> None:
        self._verify = verify
        tree = parsed(cell.source)
        self._notes = Notes(cell, tree)
        self._may_free = "Out" in cell.namespace or any(isinstance(node, ast.Delete) for node in ast.walk(tree))
        limit = (1 << 62) if verify else FREELY
        self._start = Start(tree, cell.namespace, limit) if verify is not False else None
        self.before_statement = self._notes.before_statement

    def advise(self, trace: Trace, seconds: float) -> Trace:
        """The trace with its advice, and with what would be tempting and wrong; it took `seconds` of the processor."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those of the cell's text and of its run have been shown
            return self._advise(trace, seconds)

    def _advise(self, trace: Trace, seconds: float) -> Trace:
        noted = self._notes.afterwards()
        if trace.error is not None or (trace.peak < LEAST and not self._may_free):
            return trace
        view = CellView.read(trace, noted)
        if trace.peak < LEAST:
            return replace(trace, tempting=tuple(rules()["release-early"].warn(view)))
        found = gather(view)
        proofs = Proofs(view, self._start, self._verify, seconds)
        shown = best_first(_candidates(found.drafts, proofs))
        notes = (*trace.notes, *found.troubles)
        advice = (*trace.advice, *(each.advice for each in shown))
        return replace(trace, advice=advice, tempting=tuple(found.tempting), notes=notes)


def _candidates(drafts: list[Draft], proofs: Proofs) -> Iterator[Candidate]:
    """What is worth showing: drafts that save by themselves, and those that do together."""
    alone: list[Draft] = []
    useless: list[Draft] = []
    best = 0
    for draft in drafts:
        advice, verdict = proofs.judged(draft)
        if advice is not None:
            alone.append(draft)
            best = max(best, advice.saving)
            yield Candidate(advice, draft.suggestion.effort, draft.lines)
        elif verdict.kind == NO_GAIN and verdict.equality is not None and draft.suggestion.saving:
            useless.append(draft)
    if useless:
        # Two places reach the same height: neither helps alone.
        joint = proofs.judged_together([*alone, *useless], best)
        if joint is not None:
            lines = range(joint.line, joint.line + joint.before.count("\n") + 1)
            yield Candidate(joint, 1, lines)
