# ruff: noqa: E501  tables of pages
"""The pages of `%dtypeinfo`, `%%dtypeinfo` and `%memsize`: as data and as text that fits a terminal; safe as HTML.

Golden pages: run with UPDATE_GOLDEN=1 in the environment to write tests/golden/ anew, then read the diff.
"""

from __future__ import annotations

import re
from dataclasses import asdict
from html.parser import HTMLParser
from pprint import pformat
from typing import Any

import make_traces
import numpy as np
import pytest
from test_render import check_golden

from npmem_magic.arrays import ArrayInfo, find_arrays
from npmem_magic.inspection import Crosswise, Inspection
from npmem_magic.inspection.report import Mishap
from npmem_magic.limits import Memory
from npmem_magic.render import arrays, dtypes, sheet_html, sheets, sizing
from npmem_magic.render.arrays import Device
from npmem_magic.render.sheet import Change, Column, Entry, Sheet, Snippet, Table
from npmem_magic.render.widths import columns
from npmem_magic.sizing import MemSize, memsize
from npmem_magic.upcasts import Growth, Operand

GIB = 2**30
HOSTILE = "<script>alert(1)</script>\x1b[31m & 'q' \"d\""


def namespace_arrays() -> list[ArrayInfo]:
    """A namespace with one of most things."""
    x = np.arange(1_000_000.0)
    read_only = np.zeros(1000, np.uint8)
    read_only.flags.writeable = False
    padded = np.dtype([("id", "i1"), ("value", "f8"), ("flag", "i1")], align=True)
    names: dict[str, Any] = {
        "x": x,
        "y": x[::2],
        "signal": np.linspace(0, 1, 30_000).reshape(-1, 3),
        "small": np.zeros(10**8)[:128],
        "labels": np.array([0, 1] * 5000, np.int32),
        "rows": [np.arange(1000) for _ in range(20)],
        "records": np.zeros(1000, padded),
        "words": np.array(["yes", "no"] * 1000 + ["x" * 30]),
        "swapped": np.zeros(1000, ">i4"),
        "read_only": read_only,
        "masked": np.ma.masked_array(np.arange(100.5, 600.5), np.zeros(500, bool)),
        "überlängerer_name_eines_feldes_das_kein_ende_nimmt": np.zeros((3, 4, 5, 6, 7), np.complex128),
        "Out": {3: x},
        "_": x,
    }
    return find_arrays(names)


def growth(line: int = 5, **changes: Any) -> Growth:
    made: dict[str, Any] = {
        "function": "<cell>", "line": line, "col": 4, "end_line": line, "end_col": 11, "source": "b + idx",
        "operands": (Operand("b", "float32"), Operand("idx", "int32")), "result": np.dtype("f8"), "shape": (1_000_000,),
        "wanted": np.dtype("f4"), "extra": 4_000_000,
        "rule": "int32 with float32 gives float64, the first float that holds every int32.",
        "after": "b + idx.astype(np.float32)",
    }  # fmt: skip
    return Growth(**{**made, **changes})


def inspection(**changes: Any) -> Inspection:
    lines = (make_traces.cost(5, "c = b + idx", 0.01, 8_000_000, 8_000_000),)
    trace = make_traces.trace(
        "c = b + idx", peak=8_000_000, net=8_000_000, gross=8_000_000, seconds=0.0123, lines=lines
    )
    made: dict[str, Any] = {
        "trace": trace, "arrays": tuple(find_arrays({"c": np.linspace(0, 1, 1_000_000)})), "growths": (growth(),),
        "behind": {"c": growth()}, "bound": {"c": 5},
        "mishaps": (
            Mishap("<cell>", 7, "big = np.exp(a)", "overflow encountered in exp", 1),
            Mishap("smooth", 12, "return x / n", "invalid value encountered in divide", 1234),
        ),
        "crosswise": (Crosswise(9, "A.max(axis=0)", "A", "C", 3_000_000, 1_000_000, 4 * 2**20, "np.asfortranarray", 48_000_000),),
        "notes": ("Counted by the native ledger.",),
    }  # fmt: skip
    return Inspection(**{**made, **changes})


def size(text: str, **more: Any) -> MemSize:
    names = {"a": np.zeros(10**6), "b": np.zeros(10**6)}
    found = memsize(text, namespace=names, **more)
    room = Memory(16 * GIB, 8 * GIB, "cgroup" if more else "machine")
    return MemSize(**{**vars(found), "memory": room})


SHEETS: dict[str, Any] = {
    "dtypeinfo": lambda: arrays.describe(namespace_arrays()),
    "dtypeinfo_gpu": lambda: arrays.describe(namespace_arrays()[:1], [Device("NVIDIA H100", 80 * GIB, 79 * GIB)]),
    "dtypeinfo_none": lambda: arrays.describe([]),
    "dtypeinfo_cell": lambda: dtypes.describe(inspection()),
    "dtypeinfo_expect": lambda: dtypes.describe(inspection(growths=(), mishaps=(), crosswise=()), None, ["c is float64, not float32."]),
    "dtypeinfo_quiet": lambda: dtypes.describe(inspection(growths=(), mishaps=(), crosswise=(), arrays=(), notes=())),
    "memsize": lambda: sizing.describe(size("3075200x512 float32")),
    "memsize_blow_up": lambda: sizing.describe(size("a[:, None] - b[None, :]", budget="1GiB")),
    "memsize_gpu": lambda: sizing.describe(size("1000x1000 f4", devices=(("NVIDIA H100", 80 * GIB, 79 * GIB),))),
    "memsize_bound": lambda: sizing.describe(size("a[a > 0] * 2")),
}  # fmt: skip


@pytest.mark.parametrize("name", SHEETS)
def test_the_sheet_as_data(name: str) -> None:
    check_golden(f"{name}.sheet", pformat(asdict(SHEETS[name]()), width=118, sort_dicts=False))


@pytest.mark.parametrize("name", SHEETS)
def test_the_sheet_as_text(name: str) -> None:
    check_golden(f"{name}.txt", sheets.text(SHEETS[name]()))


@pytest.mark.parametrize("name", SHEETS)
def test_no_line_is_wider_than_a_terminal(name: str) -> None:
    text = sheets.text(SHEETS[name]())
    assert [line for line in text.splitlines() if columns(line) > 80] == []
    assert not any(line != line.rstrip() for line in text.splitlines())


class Balanced(HTMLParser):
    """Notes tags that are not closed, or not ours to use."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.used: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.used.add(tag)
        assert not {name for name, _ in attrs} - {"style", "colspan"}, attrs
        if tag not in ("br", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", SHEETS)
def test_html_is_balanced_and_plain(name: str) -> None:
    parser = Balanced()
    parser.feed(sheet_html.draw(SHEETS[name]()))
    assert parser.open == [] and not parser.used & {"script", "iframe", "link", "style", "img"}


def test_everything_from_outside_is_escaped() -> None:
    table = Table(HOSTILE, (Column(HOSTILE, is_code=True), Column(HOSTILE, ">")),
                  (Entry((HOSTILE, HOSTILE), (HOSTILE,)),), more=HOSTILE, total=(HOSTILE, HOSTILE), remark=HOSTILE)  # fmt: skip
    pieces = (table, Change(HOSTILE, HOSTILE, HOSTILE, HOSTILE), Snippet(HOSTILE, HOSTILE))
    made = Sheet("x", HOSTILE, HOSTILE, (HOSTILE,), HOSTILE, pieces, (HOSTILE,))
    page, text = sheet_html.draw(made), sheets.text(made)
    assert "<script>" not in re.sub(r"<wbr>", "", page) and "\x1b" not in page + text
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []


def test_the_bundle_is_marked() -> None:
    data, metadata = sheets.bundle(SHEETS["memsize"]())
    assert set(data) == {"text/plain", "text/html"} and metadata["npmem_magic"]["kind"] == "memsize"


def test_many_arrays_are_cut() -> None:
    infos = find_arrays({f"a{number}": np.zeros(10) for number in range(100)}, check=False)
    text = sheets.text(arrays.describe(infos))
    assert "60 more" in text and len(text.splitlines()) < 60


def test_many_growths_are_cut() -> None:
    text = sheets.text(dtypes.describe(inspection(growths=tuple(growth(line) for line in range(30)))))
    assert "and 18 further expressions" in text


def test_a_growth_in_a_loop_counts_each_time() -> None:
    lines = (make_traces.cost(5, "c = b + idx", 0.01, 8_000_000, 8_000_000, hits=3),)
    seen = inspection(trace=make_traces.trace("c = b + idx", peak=8, gross=8, net=8, lines=lines))
    text = " ".join(sheets.text(dtypes.describe(seen)).split())
    assert "11.4 MiB more than needed" in text and "3.8 MiB more each time, 3 times" in text
