"""Watching a run: start the watchers, let the work run, stop them in reverse order, assemble the Trace."""

from __future__ import annotations

import gc
import linecache
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import CodeType

from .. import budgets, folds, places
from ..account import Resident
from ..buffers import named_buffers
from ..cell import Cell, Outcome, Work
from ..host import NpmemError
from ..syntax import Text
from ..trace import Trace
from . import gauges, guard, ledger, sampler
from .ticker import Now, Ticker

__all__ = ["Now", "Options", "Recording", "record", "record_async"]


@dataclass(frozen=True)
class Options:
    """How to watch.

    `interval` is in seconds, 0 leaves it to the sampler; `label` ends up in `Trace.label`; `limit` and `max_peak` are
    sizes as `budgets.Size` reads them, empty for none; `children` asks for the memory of processes that the run starts;
    `tell` is called some times a second with what is known so far.
    """

    sampler: str = "auto"
    interval: float = 0.0
    label: str | None = None
    limit: str = ""
    max_peak: str = ""
    children: bool = False
    tell: Callable[[Now], None] | None = None


@dataclass(frozen=True)
class Recording:
    """What a run cost, what it answered or raised, and the error to raise when it broke its budget."""

    trace: Trace
    outcome: Outcome

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
        self._work, self._namespace, self._options = work, namespace, options
        self._ledger, why = ledger.choose()
        self._guard = self._make_guard(options.limit, room)
        self.ballast = self._guard.ballast if self._guard else []
        self._budget = budgets.resolve(options.max_peak, self._given) if options.max_peak else None
        self._sampler, sampler_notes = sampler.make(options.sampler, options.interval, options.children)
        self._clock = self._ledger.clock()
        self._notes = [why, *sampler_notes, *([guard.why()] if self._guard else [])]
        self._texts = {work.filename: Text.read(work.source, work.first_line)}
        self._high_water_from: int | None = None
        self.between = self._clock.resume
        tell = options.tell
        self._ticker = None if tell is None else Ticker(work, self._sampler, self._ledger.totals, tell)

    def _given(self) -> int:
        return budgets.read_bytes(self._work, self._namespace)

    def _make_guard(self, limit: str, room: int | None) -> guard.Guard | None:
        """The guard for what was asked for, within the `room` that an outer one leaves."""
        allowed = [] if room is None else [room]
        if limit:
            allowed.append(guard.auto_limit() if limit == "auto" else budgets.resolve(limit, self._given))
        return guard.Guard(min(allowed)) if allowed else None

    def start(self) -> None:
        work = self._work
        whole = work.followed_files | ({work.filename} if isinstance(work, Cell) else set())
        partial = {code.co_filename for code in work.followed_codes} - whole
        gc.collect()  # so that no garbage of earlier cells dies in this one, and is counted as freed by it
        self._sampler.start()
        if gauges.reset_high_water():
            self._high_water_from = gauges.resident()
        self._ledger.start(
            tuple(whole), tuple(partial), work.followed_codes, self._namespace, self._statements, self._clock
        )
        if self._ticker:
            self._ticker.start()
        self._notes += self._clock.start()
        if self._guard:
            self._guard.start()  # last, for the ledger's own tables are large on paper

    def stop(self, outcome: Outcome) -> Recording:
        """Stop in reverse order, and assemble."""
        if self._guard:
            outcome = replace(outcome, error=self._guard.stop(outcome.error))
        try:
            account = self._ledger.stop()
        finally:
            self._clock.stop()
            high_water = gauges.high_water() if self._high_water_from is not None else None
            if self._ticker:
                self._ticker.stop()
            samples = self._sampler.stop()
        trouble = (self._ticker.trouble,) if self._ticker and self._ticker.trouble else ()
        notes = (*self._notes, *self._refused(outcome.error), *samples.notes, *trouble)
        values, children = samples.split(gauges.CHILDREN)
        resident = Resident(samples.time_ns, values, high_water, self._high_water_from, notes, children)
        names = {address: name for address, (name, _) in named_buffers(self._namespace).items()}
        limit = self._guard.nbytes if self._guard else None
        run = folds.Run(self._work, self._options.label, outcome, self._text, names, limit, self._budget)
        return Recording(folds.assemble(account, resident, run), outcome)

    def _refused(self, error: BaseException | None) -> tuple[str, ...]:
        """What the guard refused, if anything; a MemoryError is made to say the same."""
        if self._guard is None or self._guard.refusal is None:
            return ()
        where = places.of_error(error, self._is_followed, self._text) if isinstance(error, MemoryError) else ""
        sentence = self._guard.sentence(where)
        guard.explain(error, sentence)
        return (sentence,)

    def _is_followed(self, code: CodeType) -> bool:
        work = self._work
        return code.co_filename in {work.filename, *work.followed_files} or code in work.followed_codes

    def abandon(self) -> None:
        """Leave nothing running after an interrupt that hit the watchers themselves."""
        if self._guard:
            self._guard.stop()
        ledger.abandon()
        self._clock.stop()
        if self._ticker:
            self._ticker.stop()
        self._sampler.stop()

    def _text(self, filename: str) -> Text:
        if filename not in self._texts:
            self._texts[filename] = Text.read("".join(linecache.getlines(filename)))
        return self._texts[filename]

    def _statements(self, filename: str) -> bytes:
        return self._text(filename).statement_table()


def _first_of(error: BaseException) -> BaseException:
    """The MemoryError of the cell, when handling it raised others."""
    while isinstance(error.__context__, MemoryError):
        error = error.__context__
    return error


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
            watch.start()
            try:
                outcome = work.run(watch.between)
            except MemoryError as error:  # there was not even enough to note the cell's own
                watch.ballast.clear()
                outcome = Outcome(None, _first_of(error))
            return watch.stop(outcome)
        except BaseException:
            watch.ballast.clear()
            watch.abandon()
            raise


async def record_async(work: Work, namespace: Mapping[str, object], options: Options) -> Recording:
    """The same inside of an event loop; other tasks of the loop that allocate meanwhile are charged too."""
    with guard.set_aside() as room:
        watch = _Watch(work, namespace, options, room)
        try:
            watch.start()
            return watch.stop(await work.run_async(watch.between))
        except BaseException:
            watch.ballast.clear()
            watch.abandon()
            raise
