"""What stands beside a run by its options: the guard, the budget, and the ticker that says how far it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import CodeType

from .. import budgets, places
from ..cell import Outcome, Work
from ..syntax import Text
from . import guard
from .sampler import Sampler
from .ticker import Tell, Ticker


class Sentry:
    """Made before the run; `start` is its last step before, `stop` its first step after, and `silence` its last one.

    `limit` and `budget` are bytes above the start, None where none was set; `notes` are sentences for the report;
    `ballast` is memory to let go of, by ``clear()``, before anything is done about an error.

    Parameters
    ----------
    sizes : (str or int, str or int)
        The limit and the highest peak as `budgets.resolve` reads them, empty for none; the limit may be ``auto``.
    room : int or None
        Bytes that a guard leaves which stands around this one.

    Raises
    ------
    NpmemError
        When a size cannot be read, or nothing is left to be allowed.
    """

    def __init__(
        self, work: Work, namespace: Mapping[str, object], sizes: tuple[str | int, str | int], room: int | None
    ) -> None:
        self._work, self._namespace = work, namespace
        limit, budget = map(str, sizes)
        self._guard = self._guard_of(limit, room)
        self._ticker: Ticker | None = None
        self.ballast = self._guard.ballast if self._guard else []
        self.limit = self._guard.nbytes if self._guard else None
        self.budget = budgets.resolve(budget, self._given) if budget else None
        self.notes: tuple[str, ...] = ()

    def _given(self) -> int:
        return budgets.read_bytes(self._work, self._namespace)

    def _guard_of(self, limit: str, room: int | None) -> guard.Guard | None:
        """The guard for what was asked for, within the `room` that an outer one leaves."""
        allowed = [] if room is None else [room]
        if limit:
            allowed.append(guard.auto_limit() if limit == "auto" else budgets.resolve(limit, self._given))
        return guard.Guard(min(allowed)) if allowed else None

    def will_tell(self, tell: Tell | None, sampler: Sampler, totals: Callable[[], tuple[int, int]]) -> None:
        """Have `tell` called some times a second while the run lasts, with what is known so far."""
        if tell is not None:
            self._ticker = Ticker(self._work, sampler, totals, tell)

    def start(self) -> None:
        """From here on words come, and nothing goes beyond the limit: last, for a ledger has large tables on paper."""
        if self._ticker:
            self._ticker.start()
        if self._guard:
            self._guard.start()
            self.notes = (guard.why(self._guard.is_traced),)

    def run(self, run: Callable[[], Outcome]) -> Outcome:
        """The outcome, also where there was not even enough memory left to note the run's own error."""
        try:
            return run()
        except MemoryError as error:
            if self._guard is None:
                raise
            self.ballast.clear()
            return Outcome(None, _first_of(error))

    def stop(self, outcome: Outcome, text: Callable[[str], Text]) -> Outcome:
        """Lift the limit; the outcome with the guard's own sentence, where it has refused something."""
        if self._guard is None:
            return outcome
        self.ballast.clear()  # before anything is made
        error = self._guard.stop(outcome.error)
        if self._guard.refusal is not None:
            where = places.of_error(error, self._is_followed, text) if isinstance(error, MemoryError) else ""
            sentence = self._guard.sentence(where)
            guard.explain(error, sentence)
            self.notes = (*self.notes, sentence)
        return replace(outcome, error=error)

    def silence(self) -> None:
        """No word comes after this."""
        if self._ticker is not None:
            self._ticker.stop()
            self.notes = (*self.notes, *([self._ticker.trouble] if self._ticker.trouble else []))
            self._ticker = None

    def abandon(self) -> None:
        """Leave nothing running; for a run that could not begin or was cut off."""
        try:
            self.ballast.clear()
            if self._guard:
                self._guard.stop()
        finally:  # a second interrupt may come
            self.silence()

    def _is_followed(self, code: CodeType) -> bool:
        work = self._work
        return code.co_filename in {work.filename, *work.followed_files} or code in work.followed_codes


def _first_of(error: BaseException) -> BaseException:
    """The MemoryError of the cell, when handling it raised others."""
    while isinstance(error.__context__, MemoryError):
        error = error.__context__
    return error
