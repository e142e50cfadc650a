"""Watching a run: start the watchers, let the work run, stop them in reverse order, assemble the Trace."""

from __future__ import annotations

import gc
import linecache
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import CodeType
from typing import Any, Protocol

from .. import budgets, folds
from ..account import Resident
from ..buffers import named_buffers
from ..cell import Cell, Outcome, Work
from ..follow import files_of_own_functions
from ..host import NpmemError
from ..syntax import Text
from ..trace import Trace
from . import gauges, gpus, guard, ledger, sampler
from .device import DeviceWatch
from .sentry import Sentry
from .ticker import Now

__all__ = ["Now", "Options", "Recording", "record", "record_async"]


@dataclass(frozen=True)
class Around:
    """What a companion is told of a run.

    The files and code objects that are followed, the text of any file, the cell as written, the namespace, and the
    ledger's way to tell of each line's first run (CPython 3.11 only).
    """

    files: frozenset[str]
    codes: tuple[CodeType, ...]
    text: Callable[[str], Text]
    raw: str
    namespace: Mapping[str, object]
    notice: Callable[[object], None] | None


class Companion(Protocol):
    """Notes other things than bytes while the work runs; starts last and stops right after the ledger."""

    def start(self) -> tuple[str, ...]: ...
    def stop(self, namespace: Mapping[str, object]) -> object: ...


@dataclass(frozen=True)
class Options:
    """How to watch. `interval` is in seconds, 0 leaves it to the sampler; `label` ends up in `Trace.label`;
    `python` counts Python's own bytes, too; `gpu` is one of `gpus.MODES`.

    `before_statement` is called before each top-level statement of a cell, while everything is being counted.
    Without `collect` garbage is left where it is: for many short runs, during which the collector is switched off.
    `beside` makes somebody who notes other things during the run; what that gives is `Recording.beside`.

    `limit` and `max_peak` are sizes as `budgets.resolve` reads them, empty for none; `children` asks for the memory of
    processes that the run starts; `tell` is called some times a second with what is known so far.
    """

    sampler: str = "auto"
    interval: float = 0.0
    label: str | None = None
    python: bool = False
    beside: Callable[[Around], Companion] | None = None
    before_statement: Callable[[], None] | None = None
    collect: bool = True
    gpu: str = "auto"
    limit: str | int = ""
    max_peak: str | int = ""
    children: bool = False
    tell: Callable[[Now], None] | None = None


@dataclass(frozen=True)
class Recording:
    """What a run cost, and what it answered or raised; what `Options.beside` gave; the text of any file that ran."""

    trace: Trace
    outcome: Outcome
    beside: Any
    text: Callable[[str], Text]

    @property
    def error(self) -> BaseException | None:
        """What is to be raised: the run's own error before that of the budget."""
        return self.outcome.error or budgets.breach(self.trace)


class _Watch:
    """The watchers of one run. Everything they need is made before `start`, so that the run pays for none of it."""

    def __init__(self, work: Work, namespace: Mapping[str, object], options: Options, room: int | None) -> None:
        if ledger.running():
            raise NpmemError(
                "A trace is running already, and two at once would charge each other's bytes. "
                "Take the inner one out; functions that the cell calls are followed anyway."
            )
        self._work, self._options = work, options
        self._ledger, why = ledger.choose()
        self.sentry = Sentry(work, namespace, (options.limit, options.max_peak), room)
        if options.python:
            self._ledger.count_objects()
        self._gpus, gpu_notes = gpus.to_watch(options.gpu, options.sampler)
        more = (*gpus.columns(self._gpus), *([gauges.children_gauge()] if options.children else []))
        self._sampler, sampler_notes = sampler.make(options.sampler, options.interval, more)
        self._clock = self._ledger.clock()
        self._notes = [why, *sampler_notes, *gpu_notes]
        if options.children and options.sampler == "off":
            self._notes.append("The memory of child processes was not read either.")
        self._texts = {work.filename: Text.read(work.source, work.first_line)}
        self._high_water_from: int | None = None
        self._devices = DeviceWatch(work, options.gpu)
        self._companion: Companion | None = None
        self._beside: object = None
        self.sentry.will_tell(options.tell, self._sampler, self._ledger.totals)

    def between(self) -> None:
        """What belongs before each statement."""
        if self._options.before_statement is not None:
            self._options.before_statement()
        self._devices.between()
        self._clock.resume()

    def start(self, namespace: Mapping[str, object]) -> None:
        work = self._work
        whole = work.followed_files | ({work.filename} if isinstance(work, Cell) else set())
        partial = {code.co_filename for code in work.followed_codes} - whole
        if self._options.python:
            # What is read of the texts takes objects, too. In the run, other threads would be charged with them.
            for filename in {work.filename, *partial, *(files_of_own_functions(namespace) & whole)}:
                self._statements(filename)
        if self._options.collect:
            gc.collect()  # so that no garbage of earlier cells dies in this one, and is counted as freed by it
        self._sampler.start()
        if gauges.reset_high_water():
            self._high_water_from = gauges.resident()
        self._ledger.start(tuple(whole), tuple(partial), work.followed_codes, namespace, self._statements, self._clock)
        if self._options.beside is not None:
            around = Around(
                frozenset(whole), work.followed_codes, self.text, work.raw, namespace, self._ledger.notice()
            )
            self._companion = self._options.beside(around)
        self._notes += self._clock.start()
        if self._companion is not None:
            self._notes += self._companion.start()
        self.sentry.start()

    def stop(self, namespace: Mapping[str, object], outcome: Outcome) -> Trace:
        try:
            self._devices.stop()
            account = self._ledger.stop()
        finally:
            self._clock.stop()
            self._end_companion(namespace)
            high_water = gauges.high_water() if self._high_water_from is not None else None
            self.sentry.silence()
            samples = self._sampler.stop()
        devices, curves, gpu_notes = gpus.over_the_run(self._gpus, samples, account.started)
        values = (samples.resident, *gpus.summed(curves))
        names = {address: name for address, (name, _) in named_buffers(namespace).items()}
        run = folds.Run(self._work, self._options.label, outcome, self.text, names)
        costs, steps, book_notes = self._devices.costs(run, account.started)
        notes = (*self._notes, *self.sentry.notes, *samples.notes, *gpu_notes, *book_notes)
        resident = Resident(samples.time_ns, values, high_water, self._high_water_from, notes)
        trace = folds.assemble(account, resident, run)
        advice = (*trace.advice, *self._devices.advice(namespace, run))
        return replace(
            trace, devices=devices, gpu=curves, device_costs=costs, device_timeline=steps, advice=advice,
            limit=self.sentry.limit, budget=self.sentry.budget, children=samples.children(account.started),
        )  # fmt: skip

    def abandon(self) -> None:
        """Leave nothing running after an interrupt that hit the watchers themselves."""
        try:
            self.sentry.abandon()
            ledger.drop()
        finally:  # a second interrupt may come
            try:
                self._clock.stop()
                self._devices.stop()
            finally:
                self._end_companion({})
                self._sampler.stop()

    def _end_companion(self, namespace: Mapping[str, object]) -> None:
        if self._companion is not None:
            self._beside = self._companion.stop(namespace)
            self._companion = None  # not before: an interrupt may come in between

    def recording(self, namespace: Mapping[str, object], outcome: Outcome) -> Recording:
        """Stop, and hand over all that was watched."""
        outcome = self.sentry.stop(outcome, self.text)
        trace = self.stop(namespace, outcome)
        return Recording(trace, outcome, self._beside, self.text)

    def text(self, filename: str) -> Text:
        if filename not in self._texts:
            self._texts[filename] = Text.read("".join(linecache.getlines(filename)))
        return self._texts[filename]

    def _statements(self, filename: str) -> bytes:
        return self.text(filename).statement_table()


def record(work: Work, namespace: Mapping[str, object], options: Options) -> Recording:
    """Run `work` and say what it cost; whatever it raises is in the outcome.

    Raises
    ------
    NpmemError
        When a trace is running already, or nothing can count here (`Unavailable`). Nothing has run then.
    """
    with guard.set_aside() as room:
        watch = _Watch(work, namespace, options, room)
        try:
            watch.start(namespace)
            outcome = watch.sentry.run(lambda: work.run(watch.between))
            return watch.recording(namespace, outcome)
        except BaseException:
            watch.sentry.ballast.clear()
            watch.abandon()
            raise


async def record_async(work: Work, namespace: Mapping[str, object], options: Options) -> Recording:
    """The same inside of an event loop; other tasks of the loop that allocate meanwhile are charged too."""
    with guard.set_aside() as room:
        watch = _Watch(work, namespace, options, room)
        try:
            watch.start(namespace)
            outcome = await work.run_async(watch.between)
            return watch.recording(namespace, outcome)
        except BaseException:
            watch.sentry.ballast.clear()
            watch.abandon()
            raise
