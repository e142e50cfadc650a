"""The second panel and the table of the GPU: right numbers, the host's picture untouched, and nothing too wide."""

from __future__ import annotations

from dataclasses import replace

import gpu_traces
import make_traces
import pytest

from npmem_magic import render
from npmem_magic.compare.comparison import of_kept
from npmem_magic.render import chart, page, panel
from npmem_magic.trace import DeviceCost, Trace

MIB = 2**20


@pytest.fixture(params=gpu_traces.ALL)
def trace(request: pytest.FixtureRequest) -> Trace:
    return gpu_traces.ALL[request.param]()


def drawn(trace: Trace) -> page.Curves:
    curves = page.describe(trace).curves
    assert curves is not None
    return curves


# Leave alone


def test_without_a_gpu_there_is_no_panel_and_no_table() -> None:
    described = page.describe(make_traces.spikes())
    assert described.tables == () and described.curves and described.curves.panel is None
    assert "GPU" not in render.text(make_traces.short())


def test_a_device_that_did_not_change_makes_no_panel() -> None:
    trace = gpu_traces.books()
    still = replace(trace, gpu=(trace.gpu[0], trace.gpu[1] * 0), device_costs=(), device_timeline=make_traces.curve())
    assert drawn(replace(still, samples=trace.samples[:2])).panel is None


def test_the_hosts_axis_knows_nothing_of_the_device() -> None:
    trace = gpu_traces.books()
    assert drawn(trace).bytes_ == drawn(replace(trace, samples=trace.samples[:2], gpu=(), devices=())).bytes_


# What is shown


def test_the_peak_is_that_of_the_books_where_there_are_any() -> None:
    second = drawn(gpu_traces.books()).panel
    assert second is not None and second.peak == 6 * gpu_traces.BLOCK
    assert second.libraries == "CuPy" and second.names == ("GPU, this process",)
    assert second.bytes_.high >= second.sampled[0][1].max() > second.peak


def test_of_two_devices_each_has_its_curve_and_the_peak_is_of_both() -> None:
    second = drawn(gpu_traces.two()).panel
    assert second is not None and len(second.sampled) == 2
    assert second.names == ("GPU 0, this process", "GPU 1, all processes")
    assert second.peak == 2500 * MIB and second.words == "GPU peak 2.4 GiB together"


def test_an_older_trace_with_one_gpu_curve_has_a_panel() -> None:
    trace = gpu_traces.books()
    second = drawn(replace(trace, devices=(), gpu=(), device_costs=(), device_timeline=make_traces.curve())).panel
    assert second is not None and second.names == ("GPU",)


def test_the_table_has_a_row_for_each_place() -> None:
    table = panel.table(gpu_traces.books())
    assert table is not None
    assert [entry.cells for entry in table.entries] == [
        ("5", "cp.fft.fft(on_gpu, axis=1)", "CuPy", "×10", "610.4", "+305.2"),
        ("6", "cp.abs(y) ** 2", "CuPy", "×5", "305.2", "+152.6"),
        ("3", "cp.asarray(x)", "CuPy", "", "152.6", "+152.6"),
        ("31", "in norm: power.mean(axis=0)", "CuPy", "", "~0", "~0"),
    ]


def test_bounds_and_devices_are_told() -> None:
    table = panel.table(gpu_traces.two())
    assert table is not None
    assert table.entries[0].cells == ("5", "loss.backward()", "torch", "1", "×5", "≤ 600.0", "")
    assert table.entries[2].cells[-2:] == ("", "−300.0")


def test_of_many_places_the_smallest_are_counted() -> None:
    many = tuple(DeviceCost("CuPy", 0, "<cell>", line, "f(x)", 1, 10**9 - line, 0, 10**9) for line in range(1, 31))
    table = panel.table(replace(gpu_traces.books(), device_costs=many))
    assert table is not None and len(table.entries) == panel.ROWS and table.remark.startswith("and 18 more")


def test_no_line_of_text_is_wider_than_80(trace: Trace) -> None:
    text = render.text(trace)
    assert max(map(len, text.splitlines())) <= 80
    assert "GPU peak" in text and "On the GPU" in text


def test_the_text_draws_the_device_below_the_host() -> None:
    lines = render.text(gpu_traces.books()).splitlines()
    host, device = (
        next(at for at, line in enumerate(lines) if words in line) for words in ("peak 152", "GPU peak 915")
    )
    feet = [at for at, line in enumerate(lines) if "└" in line]
    assert host < feet[0] < device < feet[1] and len(feet) == 2
    assert "ms" not in lines[feet[0]] and lines[feet[1] + 1].rstrip().endswith("ms")


def test_the_picture_is_higher_by_the_panel(trace: Trace) -> None:
    with_panel = chart.draw(drawn(trace))
    without = chart.draw(replace(drawn(trace), panel=None))
    assert with_panel.height == without.height + panel.HEIGHT


def test_a_comparison_shows_the_hosts_memory_alone() -> None:
    traces = {"a": gpu_traces.books(), "b": gpu_traces.two()}
    shown = render.bundle(of_kept(traces))[0]["text/plain"]
    assert "GPU peak 915" not in shown and "152.6" in shown


def test_as_html_the_table_is_escaped() -> None:
    hostile = DeviceCost("CuPy", 0, "<cell>", 1, "<script>alert(1)</script>", 1, MIB, 0, MIB)
    html = render.bundle(replace(gpu_traces.books(), device_costs=(hostile,)))[0]["text/html"]
    assert "<script" not in html and "&lt;script&gt;" in html.replace("<wbr>", "")
