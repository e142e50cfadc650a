"""The saved form and the files for other tools, against traces written by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from npmem_magic import export
from npmem_magic.host import NpmemError
from npmem_magic.trace import CELL, Advice, Device, DeviceCost, ExpressionCost, Holding, LineCost, Trace, load

MIB = 2**20
SOURCE = "x = np.ones(131_072)\ny = (x + 1) / 2  # µ \ud800\ndel x"


def curve(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


def a_trace(**changes: Any) -> Trace:
    """A trace of three lines in which every field differs from its default."""
    trace = Trace(
        source=SOURCE,
        label="first try",
        error="ValueError('no')",
        seconds=0.004,
        peak=2 * MIB,
        net=MIB,
        gross=3 * MIB,
        peak_ns=2_000_001,
        peak_line=3,
        peak_function=CELL,
        peak_source="(x + 1) / 2",
        resident_peak=2 * MIB + 4096,
        lines=(
            LineCost(CELL, 2, "x = np.ones(131_072)", 1, 0.001, MIB, MIB, MIB, python_peak=5_000, python_net=-7),
            LineCost("f", 9, "return a + 1", 1000, 0.1 + 0.2, MIB, 0, 2 * MIB, hot=True),
        ),
        expressions=(ExpressionCost(CELL, 3, 5, 3, 10, "x + 1", 1, MIB, MIB, MIB),),
        at_peak=(Holding("x", "np.ones(131_072)", 2, MIB), Holding(None, "x + 1", 3, MIB, "being made")),
        timeline=(curve(1_000, 2_000_001, 3_000_000), curve(MIB, 2 * MIB, MIB)),
        samples=(curve(0, 1_500_000, 2**62), curve(-4096, 2 * MIB + 4096, 17), curve(0, 1, 2)),
        lane=(curve(500, 1_500_000, 3_000_000), curve(2, 3, 4)),
        devices=(Device(0, "NVIDIA H200", "GPU-1", 141 * 2**30, 2**30, MIB, True),),
        gpu=(curve(0, 5), curve(0, MIB)),
        device_costs=(DeviceCost("CuPy", 0, CELL, 3, "cp.asarray(x)", 1, MIB, MIB, MIB, True),),
        device_timeline=(curve(0, 5), curve(0, MIB)),
        advice=(Advice("add-in-place", 3, "x + 1", "np.add(x, 1, out=x)", MIB, "same bits", "proven", "why"),),
        notes=("native ledger", "no GPU: pynvml is not installed."),
        engine="pure",
        first_line=2,
        functions={"f": (8, "def f(a):\n    return a + 1")},
        python_peak=5_000,
        python_net=-7,
        python_timeline=(curve(0, 2_000_000), curve(5_000, -7)),
    )
    return replace(trace, **changes)


CURVES = ("timeline", "samples", "lane", "python_timeline", "gpu", "device_timeline", "children")


def without_curves(trace: Trace) -> dict[str, Any]:
    names = [field.name for field in fields(trace) if field.name not in CURVES]
    return {name: getattr(trace, name) for name in names}


def perfetto(trace: Trace, tmp_path: Path) -> list[dict[str, Any]]:
    document = json.loads(trace.to_perfetto(tmp_path / "p.json").read_text(encoding="utf-8"))
    events: list[dict[str, Any]] = document["traceEvents"]
    return events


# Saved form


@pytest.mark.parametrize(
    "trace", [a_trace(), a_trace(label=None, error=None, resident_peak=None)], ids=["full", "bare"]
)
def test_what_is_saved_is_loaded(trace: Trace, tmp_path: Path) -> None:
    again = load(trace.save(tmp_path / "t.json"))
    assert without_curves(again) == without_curves(trace)
    for name in CURVES:
        before, after = getattr(trace, name), getattr(again, name)
        assert len(before) == len(after)
        for old, new in zip(before, after, strict=True):
            assert new.dtype == np.int64
            np.testing.assert_array_equal(old, new)


def test_types_survive_too(tmp_path: Path) -> None:
    again = load(a_trace().save(tmp_path / "t.json"))
    assert type(again.lines[0]) is LineCost and type(again.at_peak[1]) is Holding
    assert type(again.notes) is tuple and type(again.functions["f"]) is tuple
    assert again.lines[1].hot is True and type(again.seconds) is float


def test_a_trace_without_curves_is_loaded(tmp_path: Path) -> None:
    empty = (curve(), curve())
    again = load(a_trace(timeline=empty, samples=empty, lane=empty).save(tmp_path / "t.json"))
    assert [part.shape for part in again.timeline] == [(0,), (0,)]


def test_saved_form_is_named_and_numbered(tmp_path: Path) -> None:
    document = json.loads(a_trace().save(tmp_path / "t.json").read_text(encoding="utf-8"))
    assert (document["format"], document["version"]) == ("npmem_magic trace", 1)


def test_field_with_default_may_be_missing(tmp_path: Path) -> None:
    document = export.to_document(a_trace())
    del document["trace"]["functions"]
    document["trace"]["lines"][0].pop("hot")
    again = load(export.write_json(document, tmp_path / "t.json"))
    assert again.functions == {} and again.lines[0].hot is False


def test_numpy_scalars_are_saved_as_numbers(tmp_path: Path) -> None:
    again = load(a_trace(peak=np.int64(7), seconds=np.float64(0.5)).save(tmp_path / "t.json"))
    assert type(again.peak) is int and again.peak == 7


def test_saving_replaces_the_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text("older", encoding="utf-8")
    assert a_trace().save(path) == path
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.json"]
    assert load(str(path)).peak == 2 * MIB


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.json"
    path.write_text("older", encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export.os, "replace", full)
    with pytest.raises(NpmemError, match="No space left"):
        a_trace().save(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.json"] and path.read_text(encoding="utf-8") == "older"


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NpmemError, match=r"nowhere.*cannot be written"):
        a_trace().save(tmp_path / "nowhere" / "t.json")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(NpmemError, match=r"gone\.json cannot be read"):
        load(tmp_path / "gone.json")


FOREIGN = {
    "cut short": ('{"format": "npmem_magic tr', "not JSON"),
    "binary": ("\x80PNG", "not JSON"),
    "empty": ("", "not JSON"),
    "nested without end": ("[" * 200_000, "not JSON"),
    "a list": ("[1, 2]", "another kind"),
    "a notebook": ('{"cells": [], "nbformat": 4}', "another kind"),
    "newer": ('{"format": "npmem_magic trace", "version": 2}', r"version 2.*Upgrade"),
    "version as text": ('{"format": "npmem_magic trace", "version": "1"}', "damaged"),
    "no trace": ('{"format": "npmem_magic trace", "version": 1}', "the trace is a NoneType"),
}


@pytest.mark.parametrize(("text", "said"), FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_or_damaged_file_is_said(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(NpmemError, match=said):
        load(path)


DAMAGED: dict[str, tuple[str, Any, str]] = {
    "number as text": ("peak", "7", "'peak' of the trace is '7'"),
    "number as bool": ("peak", True, "'peak' of the trace is True"),
    "text as null": ("source", None, "'source' of the trace is None"),
    "rows as object": ("lines", {}, "'lines' of the trace is a dict"),
    "row as list": ("lines", [[1]], "row 0 of 'lines' of the trace is a list"),
    "row without fields": ("at_peak", [{"name": None}], "row 0 of 'at_peak' of the trace has no 'source'"),
    "curves of two lengths": ("timeline", [[1, 2], [3]], "as many integers"),
    "curve of fractions": ("timeline", [[1], [2.5]], "as many integers"),
    "one curve": ("samples", [[1]], "as many integers"),
    "beyond int64": ("lane", [[1], [2**63]], "beyond 64 bits"),
    "functions as list": ("functions", ["f"], "first line and source"),
    "unknown field": ("flavour", 1, r"has 'flavour'.*Upgrade"),
}


@pytest.mark.parametrize(("name", "value", "said"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_field_is_named(name: str, value: Any, said: str, tmp_path: Path) -> None:
    document = export.to_document(a_trace())
    document["trace"][name] = value
    with pytest.raises(NpmemError, match=said):
        load(export.write_json(document, tmp_path / "t.json"))


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    document = export.to_document(a_trace())
    del document["trace"]["peak"]
    with pytest.raises(NpmemError, match="the trace has no 'peak'"):
        load(export.write_json(document, tmp_path / "t.json"))


# pandas


def test_tables_have_a_row_each() -> None:
    trace = a_trace()
    assert trace.to_pandas().columns.tolist() == [field.name for field in fields(LineCost)]
    assert trace.to_pandas().iloc[1].to_dict()["gross"] == 2 * MIB
    assert trace.to_pandas("expressions")["source"].tolist() == ["x + 1"]
    assert trace.to_pandas("at_peak")["nbytes"].sum() == trace.peak
    assert trace.to_pandas("advice")["rule"].tolist() == ["add-in-place"]


def test_python_objects_are_columns_where_they_were_counted() -> None:
    assert a_trace().to_pandas()["python_net"].tolist()[0] == -7
    assert a_trace().to_pandas("python_timeline")["python"].tolist() == [5_000, -7]
    plain = a_trace(python_peak=None).to_pandas()
    assert [name for name in plain.columns if "python" in name] == [] and "hot" in plain.columns


def test_curves_are_columns() -> None:
    trace = a_trace()
    steps = trace.to_pandas("timeline")
    assert steps["allocated"].max() == trace.peak and steps["time_ns"].tolist() == [1_000, 2_000_001, 3_000_000]
    assert trace.to_pandas("samples").columns.tolist() == ["time_ns", "resident", "gpu"]
    assert trace.to_pandas("gpu").columns.tolist() == ["time_ns", "GPU 0"]
    assert a_trace(samples=trace.samples[:2]).to_pandas("samples").columns.tolist() == ["time_ns", "resident"]


def test_an_empty_table_keeps_its_columns() -> None:
    table = a_trace(advice=()).to_pandas("advice")
    assert len(table) == 0 and "saving" in table.columns


def test_an_unknown_table_is_said() -> None:
    with pytest.raises(NpmemError, match=r"no table 'peaks'.*at_peak"):
        a_trace().to_pandas("peaks")


# Perfetto: what the trace event format asks of each phase that is used


def test_every_perfetto_event_has_what_its_phase_needs(tmp_path: Path) -> None:
    needs = {"M": {"name", "pid", "args"}, "C": {"name", "pid", "ts", "args"}, "X": {"name", "pid", "tid", "ts", "dur"}}
    events = perfetto(a_trace(), tmp_path)
    assert {event["ph"] for event in events} == set(needs)
    for event in events:
        assert needs[event["ph"]] <= set(event)
        assert event["ph"] == "M" or event["ts"] >= 0


def test_perfetto_counters_are_the_curves(tmp_path: Path) -> None:
    counters = [event for event in perfetto(a_trace(), tmp_path) if event["ph"] == "C"]
    allocated = [(event["ts"], event["args"]) for event in counters if event["name"] == "allocated"]
    assert allocated == [(1.0, {"bytes": MIB}), (2000.001, {"bytes": 2 * MIB}), (3000.0, {"bytes": MIB})]
    assert [event["args"]["bytes"] for event in counters if event["name"] == "gpu"] == [0, 1, 2]
    assert {event["name"] for event in counters} == {"allocated", "resident", "gpu", "GPU 0", "Python objects"}


def test_perfetto_slices_are_the_lines(tmp_path: Path) -> None:
    slices = [event for event in perfetto(a_trace(), tmp_path) if event["ph"] == "X"]
    assert [event["args"]["line"] for event in slices] == [2, 3, 4]
    assert slices[0]["name"] == "2: x = np.ones(131_072)" and slices[2]["args"]["source"] == "del x"
    for before, after in pairwise(slices):
        assert before["ts"] + before["dur"] == pytest.approx(after["ts"])
    assert slices[-1]["ts"] + slices[-1]["dur"] == pytest.approx(4000)  # microseconds: the run's end


def test_perfetto_of_nothing_is_still_a_trace(tmp_path: Path) -> None:
    empty = (curve(), curve())
    nothing = a_trace(timeline=empty, samples=empty, lane=empty, python_timeline=empty, devices=(), gpu=empty)
    assert [event["ph"] for event in perfetto(nothing, tmp_path)] == ["M", "M"]


# mprof


def mprof_points(path: Path) -> list[tuple[float, float]]:
    """What memory_profiler's own reader makes of the file."""
    import mprof

    read = mprof.read_mprofile_file(str(path))
    return list(zip(read["timestamp"], read["mem_usage"], strict=True))


def test_mprof_reads_the_resident_curve(tmp_path: Path) -> None:
    trace = a_trace(samples=(curve(0, 1_500_000), curve(-4096, 2 * MIB)))
    points = mprof_points(trace.to_mprof(tmp_path / "m.dat"))
    assert points == [(0.0, -4096 / MIB), (0.0015, 2.0)]


def test_mprof_reads_the_allocated_steps_where_nothing_was_sampled(tmp_path: Path) -> None:
    points = mprof_points(a_trace(samples=(curve(), curve())).to_mprof(tmp_path / "m.dat"))
    corners = [(0, 0), (1e-6, 0), (1e-6, 1), (2.000001e-3, 1), (2.000001e-3, 2), (3e-3, 2), (3e-3, 1), (4e-3, 1)]
    assert points == corners


def test_mprof_file_starts_with_one_line_of_title(tmp_path: Path) -> None:
    path = a_trace(label=None).to_mprof(tmp_path / "m.dat")
    assert path.read_text(encoding="utf-8").splitlines()[0] == "CMDLINE x = np.ones(131_072)"


@pytest.mark.parametrize("sampled", [True, False])
def test_mprof_plots_the_file(sampled: bool, tmp_path: Path) -> None:
    samples = (curve(0, 1_500_000), curve(0, 2 * MIB)) if sampled else (curve(), curve())
    a_trace(samples=samples).to_mprof(tmp_path / "m.dat")
    command = [sys.executable, "-m", "mprof", "plot", "--backend", "agg", "-o", "m.png", "m.dat"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")


# Advice taken over


def advice(line: int, before: str, after: str) -> Advice:
    return Advice("rule", line, before, after, 1, "same bits", "proven", "why")


def test_no_advice_leaves_the_source() -> None:
    assert a_trace(advice=()).apply() == SOURCE


def test_all_of_it_by_default() -> None:
    assert a_trace().apply().split("\n")[1].startswith("y = (np.add(x, 1, out=x)) / 2")


def test_only_the_line_named_is_changed() -> None:
    assert export.apply_advice("a = b + 1\na = b + 1\n", 5, [advice(6, "b + 1", "c")]) == "a = b + 1\na = c\n"


def test_two_on_one_line_and_text_over_several_lines() -> None:
    source = "a = f(x) + g(y)\nb = h(\n    x)\nc = 1\n"
    pieces = [advice(1, "g(y)", "GGGG(y)"), advice(2, "h(\n    x)", "h(x)"), advice(1, "f(x)", "F")]
    assert export.apply_advice(source, 1, pieces) == "a = F + GGGG(y)\nb = h(x)\nc = 1\n"


def test_a_name_is_not_found_inside_a_longer_one() -> None:
    assert export.apply_advice("max_x = max(x)", 1, [advice(1, "x", "y")]) == "max_x = max(y)"


def test_line_ends_are_kept() -> None:
    assert export.apply_advice("a = 1\r\nb = 2\r\n", 1, [advice(2, "b = 2", "b = 3")]) == "a = 1\r\nb = 3\r\n"


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([advice(1, "z", "y")], "stands not on line 1"),
        ([advice(1, "x", "y")], "stands 2 times on line 1"),
        ([advice(3, "x", "y")], "line 3 names no text"),
        ([advice(0, "x", "y")], "line 0 names no text"),
        ([advice(1, "", "y")], "line 1 names no text"),
        ([advice(1, "x + x", "y"), advice(1, "+ x", "z")], "change the same text"),
    ],
)
def test_what_does_not_fit_is_refused(pieces: list[Advice], said: str) -> None:
    with pytest.raises(NpmemError, match=said):
        export.apply_advice("a = x + x\nb = 2", 1, pieces)
