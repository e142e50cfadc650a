"""Proofs of drafts: of the whole cell where it can be run again, else of the statements that change."""

from __future__ import annotations

import ast
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..compare import prove
from ..compare.equality import SAME as SAME_BITS
from ..compare.equality import Equality
from ..compare.proof import NO_GAIN, NOT_RUN, PROVEN, Earlier, Verdict
from ..export import apply_advice
from ..rewriting.dependents import affected
from ..rewriting.suggestion import ASK, SAME, Suggestion
from ..rewriting.view import CellView
from ..trace import Advice
from .drafts import Draft, changes, least, together
from .levels import saving_of
from .start import Start

CHEAP = 1.5  # seconds of the processor that the cell may take for its advice to be proven without being asked
BUDGET = 3.0  # such seconds for all proofs together, without being asked
CLOSE_ENOUGH = 3e-5  # relative difference beyond which nothing is called rounding: float32 sums of millions come near
_NOISE = 1 << 18  # bytes by which two runs of a cell may differ: what the pure ledger counts beside the arrays
_TOGETHER = 4  # drafts that are tried together


class Proofs:
    """Proves the drafts of one cell that took `seconds` of the processor.

    `verify` is None to prove what is cheap, True to prove everything and show nothing else, False to prove nothing.
    """

    def __init__(self, view: CellView, start: Start | None, verify: bool | None, seconds: float) -> None:
        self._view, self._start, self._verify = view, start, verify
        self._began = time.thread_time()
        self._is_cheap = seconds <= CHEAP
        self._names = start.names() if start is not None else None
        self._earlier = Earlier()
        self._noise = max(_NOISE, view.trace.peak // 50)

    def judged(self, draft: Draft) -> tuple[Advice | None, Verdict]:
        """The advice as it is shown, or None where it is not, and what the proof said."""
        verdict = self._proof(draft)
        suggestion, peak = draft.suggestion, self._view.trace.peak
        if verdict.kind == PROVEN and verdict.equality is not None:
            keeps = _promise([suggestion], verdict.equality)
            shown = replace(draft.advice, saving=verdict.saving, keeps=keeps, verdict="proven")
            return (shown if keeps else None), verdict
        if verdict.kind != NOT_RUN or self._verify or not suggestion.is_sure:
            return None, verdict
        falls = min(suggestion.saving, suggestion.first.peak)
        saving = min(saving_of(self._view.trace, draft.lines, falls), peak)
        if saving < least(self._view):
            return None, verdict
        keeps = f"{ASK}: {suggestion.caveat}" if suggestion.keeps == ASK else suggestion.keeps
        return replace(draft.advice, saving=saving, keeps=keeps), verdict

    def judged_together(self, drafts: Sequence[Draft], alone: int) -> Advice | None:
        """Several drafts as one, where they save more than the best of them does `alone`; else None."""
        chosen = _apart(drafts)[:_TOGETHER]
        advice = together(self._view, chosen) if len(chosen) > 1 else None
        if advice is None:
            return None
        source = apply_advice(self._view.trace.source, self._view.trace.first_line, [advice])
        narrower = {name for draft in chosen for name in draft.suggestion.narrower}
        verdict = self._whole(source, changes(chosen), narrower)
        if verdict.kind != PROVEN or verdict.equality is None or verdict.saving <= 1.05 * alone:
            return None
        keeps = _promise([each.suggestion for each in chosen], verdict.equality)
        return replace(advice, saving=verdict.saving, keeps=keeps, verdict="proven") if keeps else None

    def _may(self) -> bool:
        if self._verify is False or self._start is None:
            return False
        return bool(self._verify) or (self._is_cheap and time.thread_time() - self._began < BUDGET)

    def _proof(self, draft: Draft) -> Verdict:
        whole = self._whole(draft.source, draft.suggestion.gives_up, draft.suggestion.narrower)
        return self._part(draft) if whole.kind == NOT_RUN else whole

    def _whole(self, source: str, forget: Iterable[str], narrower: Iterable[str] = ()) -> Verdict:
        if self._names is None or not self._may():
            return Verdict(NOT_RUN)
        before, floor = self._view.trace.source, least(self._view)
        how = {"least": floor, "forget": forget, "narrower": narrower, "earlier": self._earlier}
        verdict = prove(before, source, self._names, also_held=1, **how)
        is_same = verdict.before is None or abs(verdict.before.peak - self._view.trace.peak) <= self._noise
        return verdict if is_same else Verdict(NOT_RUN, "The cell took other memory when it ran again.")

    def _part(self, draft: Draft) -> Verdict:
        """The proof of the one top-level statement that changes, from the names as they were when it began."""
        first, last = draft.suggestion.first, draft.suggestion.last
        if self._start is None or not self._may() or first.top != last.top:
            return Verdict(NOT_RUN)
        statement = self._view.tree.body[first.top]
        names = self._start.names_at(self._view, first.top)
        if names is None:
            return Verdict(NOT_RUN)
        before = self._view.source_of(statement)
        after = _statement_after(self._view, draft, statement)
        loose = {"forget": draft.suggestion.gives_up, "narrower": draft.suggestion.narrower}
        held = 1 if self._names is None else 2  # by the namespace itself, and by the names as they were at the start
        verdict = prove(before, after, names, least=least(self._view), also_held=held, **loose)
        if verdict.kind != PROVEN or verdict.before is None or verdict.after is None:
            return verdict
        lines = range(statement.lineno, (statement.end_lineno or 0) + 1)
        saving = saving_of(self._view.trace, lines, verdict.saving)
        if saving < least(self._view):
            return replace(verdict, kind=NO_GAIN)
        return replace(verdict, after=replace(verdict.after, peak=verdict.before.peak - saving))


def _statement_after(view: CellView, draft: Draft, statement: ast.stmt) -> str:
    """The text of a top-level statement with a draft taken over."""
    lines = view.trace.source.split("\n")
    at = statement.lineno - view.trace.first_line
    above = sum(len(line) + 1 for line in lines[:at]) + len(lines[at].encode()[: statement.col_offset].decode())
    before = view.source_of(statement)
    behind = len(view.trace.source) - above - len(before)
    return draft.source[above : len(draft.source) - behind]


def _apart(drafts: Sequence[Draft]) -> list[Draft]:
    """The best draft of each place, the costliest place first."""
    kept: list[Draft] = []
    for draft in sorted(drafts, key=lambda each: (-each.suggestion.saving, each.suggestion.effort)):
        if not any(draft.overlaps(other) for other in kept):
            kept.append(draft)
    return kept


def _promise(suggestions: Sequence[Suggestion], equality: Equality) -> str:
    """What the rewrites were seen to keep; empty where that is less than their rules promised."""
    asked = [each.caveat for each in suggestions if each.keeps == ASK]
    if asked:
        return f"{ASK}: {'; '.join(dict.fromkeys(asked))}{_rounding(suggestions, equality)}"
    if equality.verdict == SAME_BITS:
        return SAME
    if all(each.keeps == SAME for each in suggestions):
        return ""
    if equality.largest_relative <= CLOSE_ENOUGH:
        return f"close: relative difference up to {_figure(equality.largest_relative)}"
    return f"close: absolute difference up to {_figure(equality.largest_absolute)}"


def _rounding(suggestions: Sequence[Suggestion], equality: Equality) -> str:
    """What is close only, of names that were not asked about, and the figure; empty where all is the same."""
    if not equality.largest_relative:
        return ""
    told = {name for each in suggestions for name in (*each.gives_up, *each.narrower)}
    names = {name: None for each in suggestions for one in (each.first, each.last) for name in affected(one)}
    rest = ", ".join(f"`{name}`" for name in names if name not in told)
    words = f"; {rest} {'rounds' if rest.count('`') == 2 else 'round'} differently" if rest else ""
    return f"{words} (relative difference up to {_figure(equality.largest_relative)})"


def _figure(difference: float) -> str:
    """A bound above the difference that was seen: another machine adds up in another order."""
    return f"{10.0 ** math.ceil(math.log10(max(difference * 2, 1e-12))):.0e}"
