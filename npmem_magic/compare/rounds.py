"""Runs variants in turns, each from the same start, and makes a Comparison of what was measured."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..follow import function_of
from ..host import NpmemError
from ..limits import memory
from ..record import Options, Recording, record_async
from ..sizes import human
from ..trace import Trace
from . import aftermath, reach, variants
from .comparison import EXACT, FIGURES, Comparison, Spread
from .copies import Plan
from .equality import Equality
from .layouts import CannotCopy
from .starts import RandomStates, fingerprints, import_all
from .variants import FUNCTION, Names, Variant

GO_ON = (
    "Nothing has run. With --no-copy (compare(..., copy=False)) the variants work on the variables themselves, "
    "one after the other; what one changes the next one sees, and the report says so."
)


@dataclass(frozen=True)
class Terms:
    """How to compare: how often, on copies or on the variables themselves, whether results are compared at all."""

    repeat: int = 1
    copy: bool = True
    results: bool = True
    options: Options = field(default_factory=Options)


class Bench:
    """The variants on their marks: what each starts from is known, what it takes is free. Nothing has run yet.

    Raises
    ------
    NpmemError
        When a copy cannot be made or would not fit; says how to go on.
    """

    def __init__(self, given: Sequence[Variant], namespace: Names, terms: Terms) -> None:
        if terms.repeat < 1:
            raise NpmemError(f"{terms.repeat} repeats were asked for; each variant has to run at least once.")
        self._variants, self._namespace, self._terms = given, namespace, terms
        self._traces: dict[str, list[Trace]] = {each.label: [] for each in given}
        self._equal: dict[str, Equality] = {}
        self._first: aftermath.Aftermath | None = None
        self._changes: list[tuple[str, str]] = []
        self.errors: dict[str, BaseException] = {}
        trees = [each.tree for each in given if each.tree is not None]
        self._read = sorted({name for tree in trees for name in reach.names_read(tree, namespace)})
        self._plans = self._planned(trees) if terms.copy else {}
        import_all(trees)

    def _planned(self, trees: Sequence[object]) -> dict[str, Plan]:
        """A plan for each variant; the texts have one in common: each starts with all that any of them reads."""
        try:
            shared = Plan(self._namespace, self._read) if trees else None
            plans = {each.label: shared or _empty() for each in self._variants if each.tree is not None}
            for each in self._variants:
                if each.function is not None:
                    plans[each.label] = Plan(_home_of(each.function, self._namespace), (), {FUNCTION: each.function})
        except CannotCopy as error:
            raise NpmemError(f"{error}, so the variants cannot start from the same state. {GO_ON}") from error
        most, free = max(plan.nbytes for plan in plans.values()), memory().free
        if 2 * most > free:
            raise NpmemError(
                f"What the variants read takes {human(most)}. A copy for the one that runs, and what another one left "
                f"of its own, would take {human(2 * most)}, and {human(free)} of memory are free. {GO_ON}"
            )
        return plans

    async def run(self) -> Comparison:
        """Run every variant as often as asked for, in turns: forward, then backward, so that drift hits all alike."""
        states = RandomStates()
        try:
            for turn in range(self._terms.repeat):
                for each in self._variants if turn % 2 == 0 else self._variants[::-1]:
                    states.restore()
                    await self._run(each, is_first=turn == 0)
        finally:
            if self._terms.copy:
                states.restore()
        return self._comparison()

    async def _run(self, variant: Variant, is_first: bool) -> None:
        plan = self._plans.get(variant.label)
        namespace = self._namespace if plan is None else self._copied(plan)
        before = fingerprints(self._shared_values(variant)) if plan is None else {}
        work = variant.work(namespace)
        with variant.around(namespace):
            recording = await record_async(work, namespace, replace(self._terms.options, label=variant.label))
        error = recording.outcome.error
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise error
        self._traces[variant.label].append(recording.trace)
        if error is not None:
            self.errors.setdefault(variant.label, error)
        if plan is None:
            after = fingerprints(self._shared_values(variant))
            self._changes += [(variant.label, where) for where in before if after.get(where) != before[where]]
        if is_first:
            self._equal[variant.label] = self._judge(variant, namespace, plan, recording)
        if plan is not None:
            namespace.clear()  # functions and the names they read hold each other

    def _copied(self, plan: Plan) -> Names:
        try:
            return plan.make()
        except CannotCopy as error:
            raise NpmemError(f"{error}. {GO_ON}") from error

    def _shared_values(self, variant: Variant) -> Names:
        if variant.function is not None:
            return variants.arguments_of(variant.function)
        return {name: self._namespace[name] for name in self._read if name in self._namespace}

    def _judge(self, variant: Variant, namespace: Names, plan: Plan | None, recording: Recording) -> Equality:
        if recording.outcome.error is not None:
            return aftermath.nothing_compared(f"it raised {type(recording.outcome.error).__name__}")
        if not self._terms.results:
            return aftermath.nothing_compared("only memory is compared")
        left, masters = dict(namespace), dict(plan.masters if plan else self._shared_values(variant))
        if variant.function is not None:
            functions = (left.pop(FUNCTION, variant.function), masters.pop(FUNCTION, variant.function))
            for values, function in zip((left, masters), functions, strict=True):
                values.update(variants.arguments_of(function))
        found = aftermath.look_at(left, masters, variant.tree, recording.outcome.value)
        if self._first is None:
            is_first = variant is self._variants[0]
            self._first = found
            return aftermath.agreed() if is_first else aftermath.nothing_compared("the first variant raised")
        if variant is not self._variants[0] and self._variants[0].label in self.errors:
            return aftermath.nothing_compared("the first variant raised")
        return aftermath.compare_aftermaths(self._first, found)

    def _comparison(self) -> Comparison:
        if self._changes and self._terms.results:
            label, where = self._changes[0]
            why = f"the variants worked on the same variables, and {label} changed {where}"
            self._equal = {each: aftermath.nothing_compared(why) for each in self._equal}
        return Comparison(
            traces={label: _middle(traces) for label, traces in self._traces.items()},
            equal=self._equal,
            spreads={label: _spreads(traces) for label, traces in self._traces.items()},
            repeat=self._terms.repeat,
            notes=(*self._start_notes(), *_turns(self._terms.repeat)),
            warnings=(*self._unlike_starts(), *_unlike_repeats(self._traces)),
        )

    def _start_notes(self) -> list[str]:
        if not self._terms.copy:
            return ["The variants worked on the same variables, one after the other, not on copies."]
        size = human(max(plan.nbytes for plan in self._plans.values()))
        return [
            f"Each variant started from the same state: copies of what the variants read ({size}, made before the "
            "start), the same random states, garbage collected. Your own variables are as they were."
        ]

    def _unlike_starts(self) -> list[str]:
        remarks = dict.fromkeys(words for plan in self._plans.values() for words in plan.remarks)
        found = [f"Not quite the same start: {words}." for words in remarks]
        for label, where in dict.fromkeys(self._changes):
            found.append(
                f"Not a fair comparison: {label} changed {where}, so what ran later started from other values."
            )
        return found


def _empty() -> Plan:
    return Plan({}, ())


def _home_of(function: Callable[..., object], namespace: Names) -> Mapping[str, Any]:
    """The namespace whose functions are made anew: that of the notebook or script where `function` was defined."""
    found = function_of(function)
    is_own = found is not None and found.__globals__.get("__name__") == "__main__"
    return found.__globals__ if found is not None and is_own else namespace


def _middle(traces: Sequence[Trace]) -> Trace:
    return sorted(traces, key=lambda trace: trace.seconds)[(len(traces) - 1) // 2]


def _spreads(traces: Sequence[Trace]) -> dict[str, Spread]:
    found = {}
    for name in FIGURES:
        values = [value for trace in traces if (value := getattr(trace, name)) is not None]
        found[name] = Spread(min(values, default=None), max(values, default=None))
    return found


def _turns(repeat: int) -> list[str]:
    if repeat == 1:
        return []
    return [f"{repeat} runs of each, in turns; shown is the run with the median time, and the spread of all."]


def _unlike_repeats(traces: Mapping[str, Sequence[Trace]]) -> list[str]:
    found = []
    for label, each in traces.items():
        for name in EXACT:
            values = sorted({getattr(trace, name) for trace in each})
            if len(values) > 1:
                low, high = values[0], values[-1]
                found.append(f"The {name} of {label} was not the same each time: {low:,} to {high:,} bytes.")
    return found


def run_now(work: Coroutine[Any, Any, Comparison]) -> Comparison:
    """The result of a comparison in which nothing awaits.

    Raises
    ------
    NpmemError
        When something does.
    """
    try:
        work.send(None)
    except StopIteration as done:
        result: Comparison = done.value
        return result
    work.close()
    raise NpmemError("One of the variants awaits. Put them into a cell with %%memcompare as its first line.")
