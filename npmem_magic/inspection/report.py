"""From a recording to an Inspection: everything that `%%dtypeinfo` tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..arrays import ArrayInfo, find_arrays
from ..arrays.walk import is_hidden
from ..record import Recording
from ..record.accidents import Accident
from ..syntax import Text
from ..trace import CELL, Trace
from ..upcasts import Growth, find
from .casts import LostCast, lost_casts
from .crosswise import Crosswise, crosswise_of

Function = Callable[[str, int], str]


@dataclass(frozen=True)
class Mishap:
    """A numeric accident, or a cast that lost values: where, in NumPy's words or ours, how often."""

    function: str
    line: int
    source: str
    what: str
    count: int


@dataclass(frozen=True)
class Inspection:
    """What a run did to dtypes.

    `arrays` are those it made or changed; `bound` says for a name on which line it was bound last; `behind` which
    growth its dtype comes from; `trace` is what the run cost.
    """

    trace: Trace
    arrays: tuple[ArrayInfo, ...]
    growths: tuple[Growth, ...]
    behind: Mapping[str, Growth]
    bound: Mapping[str, int]
    mishaps: tuple[Mishap, ...]
    crosswise: tuple[Crosswise, ...]
    notes: tuple[str, ...] = ()


class Snapshot:
    """Which object each name of a namespace held, by identity: no object is kept alive."""

    def __init__(self, namespace: Mapping[str, object]) -> None:
        self._held = {name: id(value) for name, value in namespace.items()}

    def changed(self, namespace: Mapping[str, object]) -> set[str]:
        """The names that are new or hold something else; IPython's own left out."""
        return {name for name, value in namespace.items() if self._held.get(name) != id(value) and not is_hidden(name)}


def inspect(recording: Recording, before: Snapshot, namespace: Mapping[str, object]) -> Inspection:
    """What the run of `recording` did; `namespace` as it is now."""
    text = recording.text
    found = find(recording.beside.facts, text)
    bound = _bound(recording)
    names = before.changed(namespace) | {name for name in bound if name in namespace}
    return Inspection(
        trace=recording.trace,
        arrays=tuple(find_arrays(namespace, names)),
        growths=found.growths,
        behind=found.behind,
        bound=bound,
        mishaps=tuple(_mishaps(recording.beside.accidents, text))
        + tuple(_lost(lost_casts(recording.beside.facts, text, namespace))),
        crosswise=crosswise_of(recording.beside.facts, text, namespace),
        notes=(*recording.trace.notes, *filter(None, [recording.beside.trouble])),
    )


def _bound(recording: Recording) -> dict[str, int]:
    """The line that last bound each name of the top level, or wrote into what it holds, for the first time."""
    found: dict[str, int] = {}
    for noted in recording.beside.facts:
        if noted.function == "<module>":
            found.update((name, noted.line) for name in noted.after)
            found.update((name, noted.line) for name in noted.writes)
    return found


def _mishaps(accidents: tuple[Accident, ...], text: Callable[[str], Text]) -> list[Mishap]:
    found = []
    for each in accidents:
        lines = text(each.filename)
        span = lines.span_of(each.line)
        found.append(
            Mishap(span.name if span else CELL, each.line, lines.line(each.line).strip(), each.what, each.count)
        )
    return found


def _lost(casts: list[LostCast]) -> list[Mishap]:
    return [Mishap(CELL, cast.line, cast.source, cast.sentence, cast.count) for cast in casts]
