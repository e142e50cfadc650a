"""Which pieces of advice are shown, and in which order: the largest saving first, one way to do a thing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..trace import Advice

SHOWN = 5
_NEARLY = 0.8  # a simpler rewrite that saves this share of the best one is preferred to it


@dataclass(frozen=True)
class Candidate:
    """A piece of advice with what it takes to read it, and the lines it changes."""

    advice: Advice
    effort: int
    lines: range


def best_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    """One or two of the candidates for each place, largest saving first.

    Where a simpler one saves nearly as much as the best, it goes first; a best one that saves more is kept beside it.
    """
    left = sorted(candidates, key=lambda each: (-each.advice.saving, each.effort))
    kept: list[Candidate] = []
    while left:
        best = left[0]
        rivals = [each for each in left if _meet(each.lines, best.lines)]
        simplest = min(
            (each for each in rivals if each.advice.saving >= _NEARLY * best.advice.saving),
            key=lambda each: (_is_asking(each), each.effort, -each.advice.saving, len(each.advice.after)),
        )
        kept.append(simplest)
        if best.advice.saving > 1.05 * simplest.advice.saving and best is not simplest:
            kept.append(best)
        left = [each for each in left if each not in rivals]
    return sorted(kept, key=lambda each: -each.advice.saving)


def _meet(one: range, other: range) -> bool:
    return one.start < other.stop and other.start < one.stop


def _is_asking(candidate: Candidate) -> bool:
    return candidate.advice.keeps.startswith("ask")
