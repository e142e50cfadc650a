"""What the dtype and size magics answer: from the words on their line to a Sheet. Imports nothing of IPython."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .arrays import ArrayInfo, find_arrays
from .arrays.walk import is_hidden
from .host import NpmemError
from .inspection import Expectation, ExpectationError, Inspection, Snapshot, inspect, parse_expectations, unmet
from .record import Recording, gpus
from .record.dtypes import looking
from .render import arrays as array_page
from .render import dtypes as dtype_page
from .render import sizing as size_page
from .render.arrays import Device
from .render.sheet import Sheet
from .sizing import MemSize, memsize

__all__ = ["DtypeRequest", "Snapshot", "about_names", "about_run", "about_size", "looking"]

_BUDGET = re.compile(r"(?:^|\s)--budget(?:=|\s+)(\S+)")


@dataclass(frozen=True)
class DtypeRequest:
    """One use of ``%dtypeinfo``: which names (all when empty), what is expected of dtypes, whether GPUs count."""

    names: tuple[str, ...] = ()
    expected: tuple[Expectation, ...] = ()
    with_devices: bool = False

    @classmethod
    def of(cls, names: Sequence[str], expect: str | None, gpu: bool) -> DtypeRequest:
        """The request in the words of the line; NpmemError where they mean nothing."""
        return cls(tuple(names), parse_expectations(expect.strip("'\"")) if expect else (), gpu)


@dataclass(frozen=True)
class Answer:
    """What is shown, what ``-o`` binds, and the error that fails the cell, if any."""

    sheet: Sheet
    value: object
    error: ExpectationError | None = None


def about_names(request: DtypeRequest, namespace: Mapping[str, object]) -> Answer:
    """The arrays of a namespace as they are."""
    missing = [name for name in request.names if name not in namespace]
    if missing:
        raise NpmemError(_no_such(missing, namespace))
    found = find_arrays(namespace, request.names or None)
    what = f"below {', '.join(request.names)}" if request.names else ""
    sheet = array_page.describe(found, _devices(request), what)
    return Answer(sheet, found, _broken(request, found, namespace))


def about_run(request: DtypeRequest, recording: Recording, before: Snapshot, namespace: Mapping[str, object]) -> Answer:
    """What a cell did to dtypes."""
    seen = inspect(recording, before, namespace)
    if request.names:
        seen = Inspection(**{**vars(seen), "arrays": tuple(a for a in seen.arrays if _base(a) in request.names)})
    broken = unmet(request.expected, seen, namespace)
    error = ExpectationError(" ".join(broken)) if broken else None
    return Answer(dtype_page.describe(seen, _devices(request), broken), seen, error)


def about_size(line: str, namespace: Mapping[str, object]) -> tuple[Sheet, MemSize]:
    """What ``%memsize`` says of the words on its line."""
    budget = _BUDGET.search(line)
    rest = _BUDGET.sub(" ", line).strip()
    found = memsize(rest, budget=budget[1] if budget else None, namespace=namespace, devices=gpus.devices())
    return size_page.describe(found), found


def _base(info: ArrayInfo) -> str:
    return re.split(r"[.\[]", info.name)[0]


def _broken(
    request: DtypeRequest, found: Sequence[ArrayInfo], namespace: Mapping[str, object]
) -> ExpectationError | None:
    broken = unmet(request.expected, tuple(found), namespace)
    return ExpectationError(" ".join(broken)) if broken else None


def _devices(request: DtypeRequest) -> list[Device] | None:
    return [Device(*each) for each in gpus.devices()] if request.with_devices else None


def _no_such(missing: Sequence[str], namespace: Mapping[str, object]) -> str:
    known = sorted(name for name in namespace if not is_hidden(name) and not name.startswith("_"))
    words = f"There is no name {missing[0]!r} here."
    return words + (f" Names there are: {', '.join(known[:12])}{' ...' if len(known) > 12 else ''}." if known else "")
