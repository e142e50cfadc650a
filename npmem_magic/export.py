"""A trace as files and tables of other tools: JSON, pandas, Perfetto, mprof, and the source with advice taken over.

It stands below `trace`, so it cannot name its types: every `trace` here is a `trace.Trace`.

The saved form is ``{"format": "npmem_magic trace", "version": 1, "trace": {field: value}}``. Arrays are lists of
integers, tables lists of objects. A field with a default may be missing (an older release wrote the file); one that
is not known here means a newer release did.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from itertools import pairwise
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

import numpy as np
import numpy.typing as npt

from .host import NpmemError

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "npmem_magic trace"
VERSION = 1

Curves = tuple[npt.NDArray[np.int64], ...]
Record = TypeVar("Record")

_ROWS = ("lines", "expressions", "at_peak", "advice", "devices", "device_costs")
_CURVES = {"timeline": ("time_ns", "allocated"), "samples": ("time_ns", "resident", "gpu"), "lane": ("time_ns", "line")}
_CURVES |= {"python_timeline": ("time_ns", "python"), "device_timeline": ("time_ns", "allocated"), "gpu": ("time_ns",)}
_CURVES["children"] = ("time_ns", "children")
_SCALARS: dict[Any, tuple[type, ...]] = {
    "str": (str,),
    "str | None": (str, NoneType),
    "int": (int,),
    "int | None": (int, NoneType),
    "float": (int, float),
    "bool": (bool,),
}


# JSON ------------------------------------------------------------------------------------------------------------


def to_document(trace: Any) -> dict[str, Any]:
    """`trace` as plain JSON values; `from_document` makes an equal one of it."""
    values = {field.name: _plain(getattr(trace, field.name)) for field in fields(trace)}
    return {"format": FORMAT, "version": VERSION, "trace": values}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def write_json(document: Mapping[str, Any], path: str | Path) -> Path:
    """Write `document` to `path`, all of it or nothing, and return the path."""
    return _write(path, json.dumps(document, separators=(",", ":")))


def read_json(path: str | Path) -> dict[str, Any]:
    """The document in the file `path`, known to be one of ours and not newer than this release.

    Raises
    ------
    NpmemError
        When the file is missing or unreadable, is no JSON, or is of another kind or a newer version.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise NpmemError(f"{path} cannot be read: {error.strerror}. Give the path that Trace.save returned.") from error
    except (ValueError, RecursionError) as error:
        raise NpmemError(
            f"{path} is damaged or no saved trace: it is not JSON ({error}). Save the trace again with Trace.save."
        ) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise NpmemError(
            f"{path} is JSON of another kind: its format is not {FORMAT!r}. Give a file that Trace.save wrote."
        )
    _check_version(document, path)
    return document


def _check_version(document: Mapping[str, Any], path: str | Path) -> None:
    version = document.get("version")
    if type(version) is not int or version < 1:
        raise NpmemError(f"{path} is damaged: its version is {version!r}, not a positive number. Save the trace again.")
    if version > VERSION:
        raise NpmemError(
            f"{path} is a saved trace of version {version}; this release reads up to {VERSION}. Upgrade npmem_magic."
        )


def from_document(document: Mapping[str, Any], record: type[Record], parts: Mapping[str, type]) -> Record:
    """The `record` that `to_document` described; `parts` names the dataclass of each table's rows.

    Raises
    ------
    NpmemError
        When a field is missing, unknown, or holds another kind of value than it should.
    """
    values = document.get("trace")
    return record(**_checked(values, record, "the trace", parts))


def _checked(values: Any, record: type, where: str, parts: Mapping[str, type]) -> dict[str, Any]:
    """`values` as arguments of the dataclass `record`, each looked at before it is believed."""
    if not isinstance(values, dict):
        raise _damaged(where, f"is a {type(values).__name__} and should be an object")
    known: dict[str, Field[Any]] = {field.name: field for field in fields(record)}
    for name, field in known.items():
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise _damaged(where, f"has no {name!r}")
    for name in values:
        if name not in known:
            raise NpmemError(f"In the saved trace {where} has {name!r}, unknown to this release. Upgrade npmem_magic.")
    return {name: _restored(value, known[name], f"{name!r} of {where}", parts) for name, value in values.items()}


def _restored(value: Any, field: Field[Any], where: str, parts: Mapping[str, type]) -> Any:
    allowed = _SCALARS.get(field.type)
    if allowed:
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            raise _damaged(where, f"is {value!r} and should be of type {field.type}")
        return value
    if field.name == "functions":
        return _functions(value, where)
    if not isinstance(value, list):
        raise _damaged(where, f"is a {type(value).__name__} and should be a list")
    if field.name in parts:
        part = parts[field.name]
        return tuple(part(**_checked(row, part, f"row {row_at} of {where}", {})) for row_at, row in enumerate(value))
    return _curves(value, where) if field.name in _CURVES else tuple(value)


def _functions(value: Any, where: str) -> dict[str, tuple[int, str]]:
    match value:
        case dict() if all(
            isinstance(entry, list) and [type(item) for item in entry] == [int, str] for entry in value.values()
        ):
            return {name: (line, source) for name, (line, source) in value.items()}
    raise _damaged(where, "should map each name to its first line and source")


def _curves(value: list[Any], where: str) -> Curves:
    integers = all(isinstance(curve, list) and all(type(number) is int for number in curve) for curve in value)
    if not integers or len(value) < 2 or len({len(curve) for curve in value}) != 1:
        raise _damaged(where, "should be two or more lists of as many integers each")
    try:
        return tuple(np.array(curve, dtype=np.int64) for curve in value)
    except OverflowError as error:
        raise _damaged(where, "holds a number beyond 64 bits") from error


def _damaged(where: str, what: str) -> NpmemError:
    return NpmemError(f"The saved trace is damaged: {where} {what}. Save the trace again with Trace.save.")


def _write(path: str | Path, text: str) -> Path:
    """Write `text` beside `path` and move it there, so that a reader never meets half a file."""
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        beside.write_text(text, encoding="ascii", errors="backslashreplace", newline="\n")
        os.replace(beside, target)
    except OSError as error:
        raise NpmemError(f"{path} cannot be written: {error.strerror}. Give another path.") from error
    finally:
        if beside.exists():
            beside.unlink()
    return Path(path)


def to_pandas(trace: Any, table: str) -> pd.DataFrame:
    """One table of `trace` as a DataFrame, a row per line, site, buffer, step, sample or advice."""
    if table not in (tables := (*_ROWS, *_CURVES)):
        raise NpmemError(f"There is no table {table!r}. Choose one of: {', '.join(tables)}.")
    import pandas as pd

    rows = getattr(trace, table)
    if table in _CURVES:  # a trace without GPU has two curves, and then two columns
        names = (*_CURVES[table], *(f"GPU {device.index}" for device in trace.devices if table == "gpu"))
        return pd.DataFrame(dict(zip(names, rows, strict=False)))
    part = get_args(get_type_hints(type(trace))[table])[0]
    columns = [field.name for field in fields(part)]
    if trace.python_peak is None:
        columns = [name for name in columns if not name.startswith("python_")]
    return pd.DataFrame([[getattr(row, name) for name in columns] for row in rows], columns=columns)


# Other tools' files ----------------------------------------------------------------------------------------------


def to_perfetto(trace: Any, path: str | Path) -> Path:
    """Write `trace` in the trace event format: counters in bytes, one slice a line event, times in microseconds."""
    events = [*_names(trace), *_counters("allocated", trace.timeline[0], trace.timeline[1])]
    for name, curve in zip(_CURVES["samples"][1:], trace.samples[1:], strict=False):
        events += _counters(name, trace.samples[0], curve)
    for device, curve in zip(trace.devices, trace.gpu[1:], strict=False):
        events += _counters(f"GPU {device.index}", trace.gpu[0], curve)
    events += [*_counters("children", *trace.children), *_counters("Python objects", *trace.python_timeline)]
    events += _slices(trace)
    return _write(path, json.dumps({"displayTimeUnit": "ns", "traceEvents": events}))


def _names(trace: Any) -> Iterator[dict[str, Any]]:
    for kind, name in (("process_name", trace.label or "npmem_magic"), ("thread_name", "lines")):
        yield {"ph": "M", "name": kind, "pid": 1, "tid": 1, "args": {"name": name}}


def _counters(name: str, times: npt.NDArray[np.int64], values: npt.NDArray[np.int64]) -> Iterator[dict[str, Any]]:
    for time_ns, value in zip(times.tolist(), values.tolist(), strict=True):
        yield {"ph": "C", "name": name, "pid": 1, "ts": time_ns / 1000, "args": {"bytes": value}}


def _slices(trace: Any) -> Iterator[dict[str, Any]]:
    times, lines = (curve.tolist() for curve in trace.lane)
    text = trace.source.split("\n")
    ends = [*times[1:], max(round(trace.seconds * 1e9), times[-1])] if times else []
    for start, end, line in zip(times, ends, lines, strict=True):
        at = line - trace.first_line
        source = text[at].strip() if 0 <= at < len(text) else ""
        place = {"name": f"{line}: {source}", "cat": "line", "pid": 1, "tid": 1}
        span = {"ts": start / 1000, "dur": (end - start) / 1000}
        yield {"ph": "X", **place, **span, "args": {"line": line, "source": source}}


def to_mprof(trace: Any, path: str | Path) -> Path:
    """Write the resident curve, or without samples the allocated one, as ``mprof`` files are: MiB and seconds.

    Both count from the start of the run, so ``mprof plot`` shows the rise and a date in 1970.
    """
    times, values = trace.samples[:2] if trace.samples[0].size else _steps(trace)
    title = " ".join((trace.label or trace.source).split("\n")[0].split()) or "npmem_magic"
    # float() of these texts gives the very numbers back: nothing is rounded to whole KiB.
    pairs = zip(times.tolist(), values.tolist(), strict=True)
    points = (f"MEM {value / 2**20!r} {time_ns / 1e9:.9f}" for time_ns, value in pairs)
    return _write(path, "\n".join([f"CMDLINE {title}", *points]) + "\n")


def _steps(trace: Any) -> Curves:
    """The allocated curve with both ends of every step, since ``mprof plot`` joins points by straight lines."""
    times, values = trace.timeline
    end = max([round(trace.seconds * 1e9), *times[-1:].tolist()])
    corners = np.repeat(np.concatenate([times, [end]]), 2)[:-1]
    return np.concatenate([[0], corners]), np.repeat(np.concatenate([[0], values]), 2)


def apply_advice(source: str, first_line: int, advice: Iterable[Any]) -> str:
    """`source` with the text `before` that begins on each advice's line replaced by its `after`;
    `NpmemError` when that text does not begin on its line exactly once, or two pieces overlap."""
    places = sorted((_place(source, first_line, piece), piece.after) for piece in advice)
    for ((_, end), _), ((start, _), _) in pairwise(places):
        if start < end:
            raise NpmemError("Two pieces of advice change the same text. Take them over one after the other.")
    for (start, end), after in reversed(places):
        source = source[:start] + after + source[end:]
    return source


def apart(source: str, first_line: int, advice: Iterable[Any]) -> list[Any]:
    """Those of the pieces, in their order, that do not change the same text as one before."""
    kept: dict[tuple[int, int], Any] = {}
    for piece in advice:
        start, end = _place(source, first_line, piece)
        if all(end <= first or last <= start for first, last in kept):
            kept[start, end] = piece
    return list(kept.values())


def _place(source: str, first_line: int, piece: Any) -> tuple[int, int]:
    lines = source.split("\n")
    at = piece.line - first_line
    if not piece.before or not 0 <= at < len(lines):
        raise NpmemError(f"The advice for line {piece.line} names no text of this source. Trace the cell again.")
    begin = sum(len(line) + 1 for line in lines[:at])
    # A name must not be found inside a longer one.
    words = [r"(?<!\w)" if re.match(r"\w", piece.before) else "", r"(?!\w)" if re.search(r"\w\Z", piece.before) else ""]
    found = re.compile(re.escape(piece.before).join(words)).finditer(source, begin)
    spans = [match.span() for match in found if match.start() <= begin + len(lines[at])]
    if len(spans) != 1:
        seen = f"{len(spans)} times" if spans else "not"
        raise NpmemError(f"`{piece.before}` stands {seen} on line {piece.line}, not once. Make this change by hand.")
    return spans[0]
