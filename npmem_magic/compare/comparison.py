"""Comparison: what several variants cost from the same start, and whether they came to the same, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..trace import Trace, renderer
from .equality import UNKNOWN, Equality

if TYPE_CHECKING:
    import pandas as pd

FIGURES = ("peak", "net", "gross", "resident_peak", "seconds")
EXACT = ("peak", "net", "gross")


@dataclass(frozen=True)
class Spread:
    """The lowest and the highest of a figure over the repeats; None where nothing measured it."""

    low: float | None
    high: float | None


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Variants side by side.

    Attributes
    ----------
    traces : mapping of str to Trace
        By label, in the order given; of several repeats the one with the median time.
    equal : mapping of str to Equality
        By label: how the results compare with those of the first variant.
    spreads : mapping of str to mapping of str to Spread
        By label, then by figure: ``peak``, ``net``, ``gross``, ``resident_peak`` in bytes, ``seconds``.
    repeat : int
        How often each variant ran; 0 for traces that were kept earlier.
    notes : tuple of str
        How the start was made the same.
    warnings : tuple of str
        Where it was not, and which exact figures were not the same in every repeat.
    """

    traces: Mapping[str, Trace]
    equal: Mapping[str, Equality]
    spreads: Mapping[str, Mapping[str, Spread]] = field(default_factory=dict)
    repeat: int = 1
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.traces)

    def to_pandas(self) -> pd.DataFrame:
        """One row a variant, indexed by label: the figures, ``equal``, and of repeats their ``_low`` and ``_high``."""
        import pandas as pd

        rows = []
        for label, trace in self.traces.items():
            row: dict[str, Any] = {name: getattr(trace, name) for name in FIGURES}
            row["equal"] = self.equal[label].verdict
            for name, spread in self.spreads.get(label, {}).items() if self.repeat > 1 else ():
                row |= {f"{name}_low": spread.low, f"{name}_high": spread.high}
            rows.append(row)
        return pd.DataFrame(rows, index=pd.Index(self.labels, name="variant"))

    def plot(self) -> Any:
        """A matplotlib Figure: one plot a variant, on the same axes."""
        return renderer().figure(self)

    def __repr__(self) -> str:
        peaks = ", ".join(f"{label} {trace.peak}" for label, trace in self.traces.items())
        return f"<Comparison: peaks in bytes: {peaks}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, str], dict[str, Any]]:
        return renderer().bundle(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        is_inside = len(getattr(printer, "stack", ())) > 1
        printer.text(repr(self) if cycle or is_inside else renderer().text(self))


def of_kept(traces: Mapping[str, Trace]) -> Comparison:
    """Traces of earlier runs side by side."""
    unknown = Equality(UNKNOWN, "", "these runs are over")
    note = "These traces were kept earlier: nothing ran now, starts may have differed, and results are not compared."
    return Comparison(dict(traces), dict.fromkeys(traces, unknown), repeat=0, notes=(note,))
