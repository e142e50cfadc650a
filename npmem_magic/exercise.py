"""A workshop's exercises: a learner's function is run, measured, and told in plain sentences what is wrong with it.

`check` asks for the right result, untouched inputs and a peak under the target; `guess` weighs a prediction. Neither
raises for a wrong answer, so that a notebook of open exercises runs to its end.
"""

from __future__ import annotations

import copy
import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .cell import Call
from .compare.equality import CLOSE, SAME
from .compare.sameness import compare_values
from .host import NpmemError
from .record import Options, record
from .sizes import human, parse_size
from .trace import Trace

__all__ = ["Verdict", "check", "guess"]

Size = int | float | str
_MISSING = object()
_RIGHT, _WRONG, _OPEN = "#2e9e5b", "#d9534f", "#8a8f98"  # legible on white and on black


@dataclass(frozen=True)
class Verdict:
    """What came of an exercise.

    Attributes
    ----------
    passed : bool or None
        None where there was nothing to judge yet.
    sentences : tuple of str
        What was right, or each thing that was not.
    trace : Trace or None
        What was measured; None when nothing ran.
    """

    passed: bool | None
    sentences: tuple[str, ...]
    trace: Trace | None = None

    def __repr__(self) -> str:
        return "\n".join((f"{self._title}. {self.sentences[0]}", *self.sentences[1:]))

    def _repr_html_(self) -> str:
        colour = {True: _RIGHT, False: _WRONG, None: _OPEN}[self.passed]
        lines = "<br>".join(html.escape(sentence) for sentence in self.sentences)
        style = f"border-left:4px solid {colour};padding:.3em .8em;margin:.3em 0"
        return f'<div style="{style}"><b style="color:{colour}">{self._title}.</b> {lines}</div>'

    @property
    def _title(self) -> str:
        return {True: "Passed", False: "Not yet", None: "Open"}[self.passed]


@dataclass(frozen=True)
class _Run:
    """One call of the learner's function: what it was given, what it gave, what that cost."""

    before: tuple[Any, ...]
    after: tuple[Any, ...]
    value: Any
    error: BaseException | None
    trace: Trace


@dataclass(frozen=True)
class _Task:
    """What an exercise asks for; the fields are the arguments of `check`."""

    like: Any
    within: float | None
    dtype: Any
    peak: Size | None
    net: Size | None
    in_place: bool

    def of_trace(self, trace: Trace, result: Any) -> Verdict:
        faults = [] if trace.error else list(_faults_of_values(self.like, result, self.within, self.dtype))
        return self._verdict(trace, trace.error, faults)

    def of_function(self, function: Callable[..., Any], on: Any) -> Verdict:
        run = _measured(function, on)
        if run.error is not None:
            return self._verdict(run.trace, repr(run.error), [])
        wanted = self.like(*_fresh(on)) if callable(self.like) else self.like
        got = run.after[0] if self.in_place and run.after else run.value
        faults = [*_faults_of_values(wanted, got, self.within, self.dtype), *_changed(run, self.in_place)]
        return self._verdict(run.trace, None, faults, _nbytes(run.before), bool(run.before))

    def _verdict(
        self, trace: Trace, error: str | None, faults: list[str], nbytes: int = 0, has_inputs: bool = False
    ) -> Verdict:
        if error is not None:
            where = f" on line {trace.error_line}" if trace.error_line else ""
            return Verdict(False, (f"It raised {error}{where}.",), trace)
        told = [*faults, *_too_much(trace, self.peak, self.net, nbytes)]
        if told:
            return Verdict(False, tuple(told), trace)
        right = ["right result"] * (self.like is not _MISSING)
        kept = ["inputs untouched"] * (has_inputs and not self.in_place)
        return Verdict(True, (f"{_and([*right, *kept, *_spent(trace, self.peak, self.net, nbytes)])}.",), trace)


def check(
    what: Callable[..., Any] | Trace,
    *,
    like: Any = _MISSING,
    on: tuple[Any, ...] | Callable[[], tuple[Any, ...]] = (),
    result: Any = _MISSING,
    peak: Size | None = None,
    net: Size | None = None,
    within: float | None = None,
    dtype: Any = None,
    in_place: bool = False,
) -> Verdict:
    """Whether a function, or a cell that was traced, does what an exercise asks for.

    Parameters
    ----------
    what : callable or Trace
        The learner's function; or the Trace of a cell (``%%memtrace -o mine``) that came to `result`.
    like : callable or value
        A function that gives the right result for the same inputs, or that result itself.
    on : tuple, or callable that makes one
        The inputs. Each run gets copies of its own, made before the measuring begins.
    peak, net : int, float or str
        The largest allowed peak and net: bytes, ``"60MiB"``, or ``"1.5x"`` the bytes of the inputs.
    within : float
        The largest allowed absolute difference; without it the result may be off by rounding only.
    dtype : dtype
        What the result has to be, where that is another than the reference's.
    in_place : bool
        The function changes its first input, which is then the result.

    Raises
    ------
    NpmemError
        When the exercise itself is set wrongly: no result, a size that is none.
    """
    task = _Task(like, within, dtype, peak, net, in_place)
    return task.of_trace(what, result) if isinstance(what, Trace) else task.of_function(what, on)


def guess(said: Size | None, measured: int, within: float = 0.1) -> Verdict:
    """How far a prediction is from what was measured, in bytes; right if within that part of it.

    ``None`` stands for no prediction yet. Zero is right only for what took less than 64 KiB.

    Raises
    ------
    NpmemError
        When `said` is no size.
    """
    if said is None:
        return Verdict(None, (f"Measured: {_exact(measured)}. Write your guess before you look.",))
    nbytes = 0 if said in (0, "0") else _bytes(said, 0)
    told = f"You said {human(nbytes)}; measured: {_exact(measured)}."
    if abs(nbytes - measured) <= max(within * abs(measured), 65536):
        return Verdict(True, (told,))
    if nbytes <= 0 or measured <= 0:
        return Verdict(False, (told,))
    ratio = measured / nbytes
    off = f"{ratio:.3g} times what you said" if ratio > 1 else f"{1 / ratio:.3g} times less than you said"
    return Verdict(False, (told, f"That is {off}."))


def _measured(function: Callable[..., Any], on: Any) -> _Run:
    """The function run on copies of the inputs, watched without a sampler."""
    if not callable(function):
        raise NpmemError(f"check() takes a function or a Trace, and got {type(function).__name__}.")
    before, after = _fresh(on), _fresh(on)
    recording = record(Call.from_callable(function, after, {}, []), {}, Options(sampler="off", gpu="off"))
    outcome = recording.outcome
    if outcome.error is not None and not isinstance(outcome.error, Exception):
        raise outcome.error  # an interrupt is no answer
    return _Run(before, after, outcome.value, outcome.error, recording.trace)


def _fresh(on: Any) -> tuple[Any, ...]:
    made = on() if callable(on) else copy.deepcopy(on)
    if not isinstance(made, tuple):
        raise NpmemError(f"`on` is a tuple of inputs, such as on=(stack,), and was {type(made).__name__}.")
    return made


def _faults_of_values(wanted: Any, got: Any, within: float | None, dtype: Any) -> Iterator[str]:
    """What is wrong with the result, in a sentence."""
    if wanted is _MISSING:
        return
    if got is _MISSING:
        raise NpmemError("A traced cell has no result of its own: say which, as in check(mine, result=z, like=right).")
    if got is None and wanted is not None:
        yield "It returned nothing. Is `return` missing?"
        return
    if isinstance(wanted, np.ndarray) and isinstance(got, np.ndarray | np.generic):
        yield from _faults_of_arrays(wanted, np.asarray(got), within, dtype)
    elif within is not None:
        if not abs(got - wanted) <= within:
            yield f"The result is {got!r}; right is {wanted!r}, give or take {within:g}."
    else:
        found = compare_values(wanted, got, "result")
        if found.verdict not in (SAME, CLOSE):
            yield f"The result is not right: {found.details or found.verdict} (right / yours)."


def _faults_of_arrays(wanted: np.ndarray, got: np.ndarray, within: float | None, dtype: Any) -> Iterator[str]:
    target = wanted.dtype if dtype is None else np.dtype(dtype)
    if got.shape != wanted.shape:
        yield f"The result has the shape {got.shape}; right is {wanted.shape}."
        return
    if got.dtype != target:
        yield f"The result is {got.dtype}, {human(got.nbytes)}; asked for is {target}."
    if within is not None:
        largest = float(np.max(np.abs(got.astype(np.float64) - wanted))) if got.size else 0.0
        if not largest <= within:
            yield f"The values are off by up to {largest:.3g}; allowed is {within:g}."
    elif got.dtype == target:
        found = compare_values(wanted.astype(target, copy=False), got, "result")
        if found.verdict not in (SAME, CLOSE):
            yield f"The values are not right: {found.details} (right / yours)."


def _changed(run: _Run, in_place: bool) -> Iterator[str]:
    """The inputs that are no longer what they were."""
    for place, (old, new) in enumerate(zip(run.before, run.after, strict=True)):
        if in_place and place == 0:
            continue
        found = compare_values(old, new, f"input {place + 1}")
        if found.verdict != SAME:
            yield f"It changed input {place + 1}, which the caller still has: {found.details} (before / now)."


def _too_much(trace: Trace, peak: Size | None, net: Size | None, nbytes: int) -> Iterator[str]:
    if peak is not None and trace.peak > (most := _bytes(peak, nbytes)):
        told = f"The peak is {_of(trace.peak, nbytes)}; the target is at most {_of(most, nbytes)}."
        if trace.peak_line:
            told += f" It was reached on line {trace.peak_line}, by `{trace.peak_source}`."
        yield told
    if net is not None and trace.net > (most := _bytes(net, nbytes)):
        yield f"{_of(trace.net, nbytes)} are left at the end; the target is at most {_of(most, nbytes)}."


def _spent(trace: Trace, peak: Size | None, net: Size | None, nbytes: int) -> Iterator[str]:
    if peak is not None:
        yield f"peak {_of(trace.peak, nbytes)}, allowed {_of(_bytes(peak, nbytes), nbytes)}"
    if net is not None:
        yield f"{_of(trace.net, nbytes)} left, allowed {_of(_bytes(net, nbytes), nbytes)}"


def _bytes(size: Size, nbytes: int) -> int:
    if not isinstance(size, str):
        return int(size)
    if size.strip().endswith("x"):
        if not nbytes:
            raise NpmemError(f"{size!r} is a multiple of the inputs' bytes, and there is no array among the inputs.")
        try:
            return int(float(size.strip()[:-1]) * nbytes)
        except ValueError:
            raise NpmemError(f"{size!r} is no size. Write it as 60MiB or 1.5x (times the inputs).") from None
    return parse_size(size)


def _nbytes(values: tuple[Any, ...]) -> int:
    return sum(value.nbytes for value in values if isinstance(value, np.ndarray))


def _of(nbytes: int, inputs: int) -> str:
    return human(nbytes) + (f" ({nbytes / inputs:.2f}x the input)" if inputs else "")


def _exact(nbytes: int) -> str:
    return human(nbytes) if abs(nbytes) < 1024 else f"{human(nbytes)} ({nbytes:,} bytes)"


def _and(parts: list[str]) -> str:
    text = ", ".join(parts) or "it ran"
    return text[0].upper() + text[1:]
