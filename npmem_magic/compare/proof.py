"""Is a rewrite as good, and lighter? Both texts run on copies of what they read, and what they leave is compared."""

from __future__ import annotations

import ast
import linecache
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..cell import Cell
from ..language import PlainPython
from ..limits import memory
from ..record import Options, Recording, record
from ..sizes import human
from ..trace import Trace
from . import aftermath, effects, reach
from .copies import Plan
from .equality import CLOSE, SAME, Equality
from .layouts import CannotCopy
from .sameness import is_same
from .starts import RandomStates, no_collection

PROVEN, NO_GAIN, DIFFERS, NOT_RUN = "PROVEN", "NO_GAIN", "DIFFERS", "NOT_RUN"
_SMALL = 16 << 20  # bytes: copies of so little are made without asking what is free
_PURE_NOISE = 256 << 10  # bytes
_WATCH = Options(sampler="off", collect=False)


@dataclass(frozen=True)
class Figures:
    """What one of the two took: bytes above its start (`peak`), left bound (`net`), in all (`gross`); seconds.

    `engine` is who counted, as in `Trace`.
    """

    peak: int
    net: int
    gross: int
    seconds: float
    engine: str = "native"


@dataclass(frozen=True)
class Verdict:
    """Whether `after` may stand for `before`.

    Attributes
    ----------
    kind : str
        ``PROVEN``: the same results, to the bit or close, at a lower peak. ``NO_GAIN``: the same results, no lower
        peak. ``DIFFERS``: other results. ``NOT_RUN``: it could not be tried.
    reason : str
        One sentence; empty when proven.
    equality : Equality or None
        How the results compare; None when they were not compared.
    before, after : Figures or None
        What both took; None for what did not run to its end.
    remarks : tuple of str
        What else is different: names that only one binds, memory order, who shares memory with whom.
    """

    kind: str
    reason: str = ""
    equality: Equality | None = None
    before: Figures | None = None
    after: Figures | None = None
    remarks: tuple[str, ...] = ()

    @property
    def saving(self) -> int:
        """Bytes that the peak of `after` is below that of `before`; 0 unless both ran."""
        return self.before.peak - self.after.peak if self.before and self.after else 0


class _Stop(Exception):
    """The verdict is known before the end."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


def prove(
    before: str,
    after: str,
    namespace: Mapping[str, Any],
    *,
    least: int = 1,
    forget: Iterable[str] = (),
    narrower: Iterable[str] = (),
    allow_effects: bool = False,
    also_held: int = 0,
    earlier: Earlier | None = None,
) -> Verdict:
    """Run both texts on copies of what they read of `namespace`, and judge.

    Parameters
    ----------
    before, after : str
        Python source. Nothing of `namespace` is changed, and nothing runs that may reach outside of it.
    namespace : mapping
        The values both start from. Names that share memory with what they read are copied and compared too.
    least : int
        Bytes that the peak must fall by.
    forget : iterable of str
        Names that only `before` needs to bind, or that may hold something else; any other name that `after` does not
        bind makes the results differ.
    narrower : iterable of str
        Names that may be of another dtype, as long as their values are close in it.
    allow_effects : bool
        Run also what may reach files, the network, the screen, or code that is not known.
    also_held : int
        How many references to each value there are beside that of `namespace`: 1 when `namespace` is a copy of the
        names. What is held by anybody else (a closure, a view in a list of lists) must not be changed in place.
    earlier : Earlier, optional
        Spares the run of `before` in further proofs of it from one namespace, in which nothing changes meanwhile.

    Raises
    ------
    NpmemError
        When a trace is running already, or nothing can count here.
    """
    try:
        terms = _Terms(least, frozenset(forget), frozenset(narrower), allow_effects, also_held)
        return _prove(before, after, namespace, terms, earlier or Earlier())
    except _Stop as stop:
        return stop.verdict


@dataclass(frozen=True)
class _Terms:
    """The keywords of `prove`."""

    least: int
    forget: frozenset[str]
    narrower: frozenset[str]
    allow_effects: bool
    also_held: int


class Earlier:
    """The last run of a `before`, for the proofs of other rewrites of it."""

    def __init__(self) -> None:
        self._key: tuple[str, frozenset[str]] | None = None
        self._found: tuple[aftermath.Aftermath, Figures] | None = None

    def run(self, text: str, tree: ast.Module, plan: Plan, states: RandomStates) -> tuple[aftermath.Aftermath, Figures]:
        """The run, or the last one if it was the same. The originals are not kept: nobody may seem to hold them."""
        key = text, frozenset(plan.masters)
        if self._found is None or self._key != key:
            self._found = None
            left, figures = _run(text, tree, plan, states, "before")
            self._key, self._found = key, (left.without(plan.masters), figures)
        left, figures = self._found
        return left.with_masters(plan.masters), figures


def _prove(before: str, after: str, namespace: Mapping[str, Any], terms: _Terms, earlier: Earlier) -> Verdict:
    trees = [_parsed(text, name) for text, name in ((before, "before"), (after, "after"))]
    if not terms.allow_effects:
        for tree, name in zip(trees, ("before", "after"), strict=True):
            reason = effects.find_effects(tree, namespace)
            if reason:
                raise _Stop(Verdict(NOT_RUN, f"`{name}` was not run: {reason}."))
    _check_names(trees[0], trees[1], namespace, terms.forget)
    plan = _planned(trees, namespace)
    strangers = plan.held_elsewhere(terms.also_held)
    states = RandomStates()
    try:
        with no_collection(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            first = earlier.run(before, trees[0], plan, states)
            second = _run(after, trees[1], plan, states, "after", first[1])
            _check_strangers(before, after, plan, states, strangers)
    finally:
        states.restore()
    equality = aftermath.compare_aftermaths(first[0], second[0], terms.forget, terms.narrower)
    return _judged(equality, first[1], second[1], terms.least)


def _parsed(text: str, name: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise _Stop(Verdict(NOT_RUN, f"`{name}` is not Python: {error}.")) from error


def _check_names(before: ast.Module, after: ast.Module, namespace: Mapping[str, Any], forget: frozenset[str]) -> None:
    """What `after` must not do whatever its values are: bind less, or bind over what it has nothing to do with."""
    old, new = reach.names_bound(before), reach.names_bound(after)
    lost = sorted(old - new - forget - _changed_in_place(after))
    if lost:
        raise _Stop(Verdict(DIFFERS, f"`after` does not bind `{lost[0]}`."))
    taken = sorted((new - old).intersection(namespace) - set(reach.names_read(after, namespace)))
    if taken:
        raise _Stop(Verdict(DIFFERS, f"`after` binds `{taken[0]}`, which is a name already."))


def _changed_in_place(tree: ast.Module) -> set[str]:
    """Names that a text reads, and so may have changed the value of without binding it."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _planned(trees: list[ast.Module], namespace: Mapping[str, Any]) -> Plan:
    read = {name for tree in trees for name in reach.names_read(tree, namespace)}
    # What is bound anew lets go of what it held: without that the peak would be another one.
    names = sorted(read | (reach.names_bound(trees[0]).intersection(namespace)))
    try:
        plan = Plan(namespace, names)
        plan.add_onlookers()
    except CannotCopy as error:
        raise _Stop(Verdict(NOT_RUN, f"{error}.")) from error
    if plan.remarks:
        raise _Stop(Verdict(NOT_RUN, f"A copy would not be the same: {plan.remarks[0]}."))
    if plan.nbytes > _SMALL:
        free = memory().free
        if 2 * plan.nbytes > free:
            words = f"Two copies of what they read take {human(2 * plan.nbytes)}, and {human(free)} are free."
            raise _Stop(Verdict(NOT_RUN, words))
    return plan


def _run(
    text: str, tree: ast.Module, plan: Plan, states: RandomStates, name: str, before: Figures | None = None
) -> tuple[aftermath.Aftermath, Figures]:
    states.restore()
    namespace = _made(plan)
    cell = Cell.from_source(text, PlainPython(), namespace)
    try:
        recording: Recording = record(cell, namespace, _WATCH)
    finally:
        linecache.cache.pop(cell.filename, None)
    error = recording.outcome.error
    if isinstance(error, KeyboardInterrupt | SystemExit):
        raise error
    if error is not None:
        kind = NOT_RUN if before is None else DIFFERS
        raise _Stop(Verdict(kind, f"`{name}` raises {type(error).__name__}: {error}.", before=before))
    return aftermath.look_at(namespace, plan.masters, tree, recording.outcome.value), _figures(recording.trace)


def _check_strangers(before: str, after: str, plan: Plan, states: RandomStates, strangers: set[int]) -> None:
    """What is held by somebody who has no name here must not be changed in place, unless `before` did the same."""
    originals = plan.originals()
    watched = _watched(after, plan, states) if strangers else {}
    changed = [key for key in strangers & watched.keys() if not is_same(originals[key], watched[key])]
    if not changed:
        return
    first = _watched(before, plan, states)
    for key in changed:
        if not is_same(first[key], watched[key]):
            words = f"`after` changes the memory of `{plan.name_on(key)}` in place, and more than its names hold it."
            raise _Stop(Verdict(DIFFERS, words))


def _watched(text: str, plan: Plan, states: RandomStates) -> dict[int, np.ndarray]:
    """What a run makes of the memory it starts from: the last arrays by the ids of their originals. Nobody measures."""
    states.restore()
    arrays: dict[int, np.ndarray] = {}
    namespace = _made(plan, arrays)
    cell = Cell.from_source(text, PlainPython(), namespace)
    cell.run()
    linecache.cache.pop(cell.filename, None)
    return arrays


def _made(plan: Plan, watched: dict[int, np.ndarray] | None = None) -> dict[str, Any]:
    try:
        return plan.make(watched)
    except (CannotCopy, MemoryError) as error:
        raise _Stop(Verdict(NOT_RUN, f"{str(error) or 'There is no memory for a copy'}.")) from error


def _figures(trace: Trace) -> Figures:
    return Figures(trace.peak, trace.net, trace.gross, trace.seconds, trace.engine)


def _judged(equality: Equality, before: Figures, after: Figures, least: int) -> Verdict:
    verdict = Verdict(PROVEN, "", equality, before, after, equality.remarks)
    if equality.verdict not in (SAME, CLOSE):
        return replace(verdict, kind=DIFFERS, reason=f"The results differ: {equality}.")
    # The pure ledger counts Python's objects and NumPy's casting buffers too: up to there it shows nothing.
    if verdict.saving < (max(least, _PURE_NOISE) if after.engine == "pure" else least):
        change = f"{human(-verdict.saving)} higher" if verdict.saving < 0 else f"{human(verdict.saving)} lower"
        return replace(verdict, kind=NO_GAIN, reason=f"The peak is {change}.")
    return verdict
