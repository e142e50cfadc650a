"""Watching a run: start the watchers, let the work run, stop them in reverse order, assemble the Trace."""

from __future__ import annotations

import gc
import linecache
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .. import folds
from ..account import Resident
from ..buffers import named_buffers
from ..cell import Cell, Outcome, Work
from ..host import NpmemError
from ..syntax import Text
from ..trace import Trace
from . import gauges, ledger, sampler

__all__ = ["Options", "Recording", "record", "record_async"]


@dataclass(frozen=True)
class Options:
    """How to watch. `interval` is in seconds, 0 leaves it to the sampler; `label` ends up in `Trace.label`.

    `before_statement` is called before each top-level statement of a cell, while everything is being counted.
    Without `collect` garbage is left where it is: for many short runs, during which the collector is switched off.
    """

    sampler: str = "auto"
    interval: float = 0.0
    label: str | None = None
    before_statement: Callable[[], None] | None = None
    collect: bool = True


@dataclass(frozen=True)
class Recording:
    """What a run cost, and what it answered or raised."""

    trace: Trace
    outcome: Outcome


class _Watch:
    """The watchers of one run. Everything they need is made before `start`, so that the run pays for none of it."""

    def __init__(self, work: Work, options: Options) -> None:
        if ledger.running():
            raise NpmemError(
                "A trace is running already, and two at once would charge each other's bytes. "
                "Take the inner one out; functions that the cell calls are followed anyway."
            )
        self._work, self._options = work, options
        self._ledger, why = ledger.choose()
        self._sampler, sampler_notes = sampler.make(options.sampler, options.interval)
        self._clock = self._ledger.clock()
        self._notes = [why, *sampler_notes]
        self._texts = {work.filename: Text.read(work.source, work.first_line)}
        self._high_water_from: int | None = None
        self.between = self._clock.resume if options.before_statement is None else self._between

    def _between(self) -> None:
        if self._options.before_statement is not None:
            self._options.before_statement()
        self._clock.resume()

    def start(self, namespace: Mapping[str, object]) -> None:
        work = self._work
        whole = work.followed_files | ({work.filename} if isinstance(work, Cell) else set())
        partial = {code.co_filename for code in work.followed_codes} - whole
        if self._options.collect:
            gc.collect()  # so that no garbage of earlier cells dies in this one, and is counted as freed by it
        self._sampler.start()
        if gauges.reset_high_water():
            self._high_water_from = gauges.resident()
        self._ledger.start(tuple(whole), tuple(partial), work.followed_codes, namespace, self._statements, self._clock)
        self._notes += self._clock.start()

    def stop(self, namespace: Mapping[str, object], outcome: Outcome) -> Trace:
        try:
            account = self._ledger.stop()
        finally:
            self._clock.stop()
            high_water = gauges.high_water() if self._high_water_from is not None else None
            samples = self._sampler.stop()
        notes = (*self._notes, *samples.notes)
        resident = Resident(samples.time_ns, samples.values, high_water, self._high_water_from, notes)
        names = {address: name for address, (name, _) in named_buffers(namespace).items()}
        run = folds.Run(self._work, self._options.label, outcome, self._text, names)
        return folds.assemble(account, resident, run)

    def abandon(self) -> None:
        """Leave nothing running after an interrupt that hit the watchers themselves."""
        ledger.abandon()
        self._clock.stop()
        self._sampler.stop()

    def _text(self, filename: str) -> Text:
        if filename not in self._texts:
            self._texts[filename] = Text.read("".join(linecache.getlines(filename)))
        return self._texts[filename]

    def _statements(self, filename: str) -> bytes:
        return self._text(filename).statement_table()


def record(work: Work, namespace: Mapping[str, object], options: Options) -> Recording:
    """Run `work` and say what it cost; whatever it raises is in the outcome.

    Raises
    ------
    NpmemError
        When a trace is running already, or nothing can count here (`Unavailable`). Nothing has run then.
    """
    watch = _Watch(work, options)
    try:
        watch.start(namespace)
        outcome = work.run(watch.between)
        return Recording(watch.stop(namespace, outcome), outcome)
    except BaseException:
        watch.abandon()
        raise


async def record_async(work: Work, namespace: Mapping[str, object], options: Options) -> Recording:
    """The same inside of an event loop; other tasks of the loop that allocate meanwhile are charged too."""
    watch = _Watch(work, options)
    try:
        watch.start(namespace)
        outcome = await work.run_async(watch.between)
        return Recording(watch.stop(namespace, outcome), outcome)
    except BaseException:
        watch.abandon()
        raise
