"""The answer of a report in one sentence."""

from __future__ import annotations

from dataclasses import dataclass

from ..sizes import human, human_seconds
from ..trace import CELL, Trace
from .widths import clip, expression, one_line


@dataclass(frozen=True)
class Headline:
    """The answer in one sentence: `amount` and `where` in words, `code` the expression, `rest` what follows."""

    amount: str
    where: str
    code: str
    rest: tuple[str, ...]

    @property
    def sentence(self) -> str:
        lead = " ".join(filter(None, (self.amount, self.where)))
        code = f": `{self.code}`" if self.code else ""
        return "; ".join((lead + code, *self.rest))


def headline_of(trace: Trace) -> Headline:
    """What a reader with ten seconds should know."""
    seconds = human_seconds(trace.seconds)
    python = _python(trace)
    if not trace.gross and not trace.net and not trace.peak:
        return Headline("No NumPy data" if python else f"No {counted(trace)} data was allocated.", "", "", python)
    kept = f"{'kept' if trace.net > 0 else 'freed'} {human(abs(trace.net))}" if trace.net else "kept nothing"
    if not trace.peak:
        return Headline("Never above the start", "", "", (kept, *python, seconds))
    code = clip(expression(trace.peak_source), 72)
    whose = "" if trace.engine == "native" else f"of {counted(trace)} "
    above = f"{whose}above the start{place(trace, ', on ')}"
    return Headline(f"Peak {human(trace.peak)}", above, code, (kept, *python, seconds))


def counted(trace: Trace) -> str:
    """Whose bytes the ledger counted."""
    return "NumPy" if trace.engine == "native" else "NumPy and Python"


def _python(trace: Trace) -> tuple[str, ...]:
    """Python objects in words: how much there was of them, and how much was left."""
    if trace.python_net is None:
        return ()
    left = human(abs(trace.python_net))
    if trace.python_peak is None:
        return (f"Python objects {'kept' if trace.python_net >= 0 else 'freed'} {left}",)
    end = f"{left} {'kept' if trace.python_net > 0 else 'freed'}" if trace.python_net else "nothing kept"
    return (f"Python objects up to {human(trace.python_peak)}, {end}",)


def place(trace: Trace, lead: str) -> str:
    """``, on line 5`` or, in a function, ``, in smooth, line 5``; empty when no line is known."""
    if trace.peak_line <= 0:
        return ""
    if trace.peak_function in (CELL, ""):
        return f"{lead}line {trace.peak_line}"
    return f", in {one_line(trace.peak_function)}, line {trace.peak_line}"
