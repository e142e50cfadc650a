"""The comparing report: numbers as data, text that fits a terminal, HTML that is closed and escaped, equal axes.

Golden pages: UPDATE_GOLDEN=1 in the environment writes tests/golden/ anew; then read the diff.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import make_traces
import odd_traces
import pytest
from test_render import check_golden
from test_render_html import Tags

from npmem_magic import render
from npmem_magic.compare.comparison import Comparison, Spread, of_kept
from npmem_magic.compare.equality import Equality
from npmem_magic.render import sides, versus, widths
from npmem_magic.trace import Trace

MIB = 2**20


def variant(source: str, peak: int, ms: float, **more: Any) -> Trace:
    """A trace of one line that took `peak` bytes for half of its time."""
    half = ms / 2
    return make_traces.trace(
        source,
        seconds=ms / 1e3,
        peak=peak,
        gross=peak,
        peak_line=1 if peak else 0,
        peak_source=source,
        resident_peak=peak,
        lines=(make_traces.cost(1, source, ms, peak),),
        expressions=(make_traces.site(source, 1, source, peak),) if peak else (),
        timeline=make_traces.curve((0.0, peak), (half, 0)),
        lane=make_traces.curve((0.0, 1)),
        **more,
    )


def two() -> Comparison:
    first, second = variant("x = x * 2", 61 * MIB, 20.0), variant("x *= 2", 0, 4.0)
    spread = {"seconds": Spread(0.018, 0.025), "peak": Spread(61 * MIB, 61 * MIB)}
    return Comparison(
        {"new array": first, "in place": second},
        {"new array": Equality("same bits"), "in place": Equality("same bits", compared=("x",))},
        {"new array": spread, "in place": {"seconds": Spread(0.004, 0.004)}},
        repeat=5,
        notes=("Each variant started from the same state.",),
    )


def four() -> Comparison:
    close = Equality(
        "close", "r", "", 1e-9, 2.5e-16, compared=("r", "the last expression"), remarks=("only `r` binds `t`",)
    )
    traces = {
        "first": variant("r = x * 2", 3 * MIB, 3.0),
        "second <b>": variant("r = 2 * x", 2 * MIB, 30.0),
        "dies": replace(variant("r = x.no", MIB, 2.0), error="AttributeError('no')", error_line=1),
        "变体 four": variant("r = x + 1", 4 * MIB, 1.0),
    }
    differs = Equality("differs", "r", "", 1.0, 0.5, (("r[0]", "2.0", "1.0"),), ("r",))
    died = Equality("not compared", "", "it raised AttributeError")
    equal = dict(zip(traces, (Equality("same bits"), close, died, differs), strict=True))
    return Comparison(traces, equal, warnings=("Not a fair comparison: dies changed x.",))


def kept() -> Comparison:
    return of_kept({"spikes": make_traces.spikes(), "functions": odd_traces.functions()})


def nothing() -> Comparison:
    return of_kept({"a": make_traces.empty(), "b": make_traces.empty()})


ALL = {"two": two, "four": four, "kept": kept, "nothing": nothing}


@pytest.fixture(params=ALL)
def comparison(request: pytest.FixtureRequest) -> Comparison:
    return ALL[request.param]()


@pytest.mark.parametrize("name", ALL)
def test_the_page_as_text(name: str) -> None:
    check_golden(f"compare_{name}.txt", render.text(ALL[name]()))


def test_text_fits_a_terminal(comparison: Comparison) -> None:
    for line in render.text(comparison).split("\n"):
        assert widths.columns(line) <= 80, line


def test_html_is_closed_and_escaped_and_fetches_nothing(comparison: Comparison) -> None:
    data, metadata = render.bundle(comparison)
    tags = Tags(data["text/html"])
    assert metadata["npmem_magic"]["kind"] == "memcompare" and data["text/plain"] == render.text(comparison)
    assert not {"script", "iframe", "link", "b"} & {tag for tag, _ in tags.found}
    pictures = [attributes for tag, attributes in tags.found if tag == "img"]
    assert len(pictures) == (0 if comparison.labels == ("a", "b") else 1)
    for attributes in pictures:
        assert (attributes["src"] or "").startswith("data:image/png;base64,") and "Memory over time" in (
            attributes["alt"] or ""
        )
    for label in comparison.labels:
        assert label in tags.words


def test_all_plots_have_the_same_axes(comparison: Comparison) -> None:
    curves = [side.curves for side in sides.describe_sides(comparison).sides if side.curves]
    assert len({(each.time, each.bytes_) for each in curves}) <= 1
    if curves:
        seconds = max(trace.seconds for trace in comparison.traces.values())
        assert curves[0].time.high == pytest.approx(seconds * 1e9, abs=2)
        assert curves[0].bytes_.high >= max(trace.peak for trace in comparison.traces.values())


def test_numbers_and_ratios() -> None:
    first, second = sides.describe_sides(two()).sides
    assert [figure.words for figure in first.figures] == ["61.0 MiB", "0 bytes", "61.0 MiB", "61.0 MiB", "20 ms"]
    assert [figure.ratio for figure in second.figures] == ["×0", "×1", "×0", "×0", "×0.20"]
    assert first.figures[4].spread == "18–25 ms" and second.figures[4].spread == ""


@pytest.mark.parametrize(
    ("value", "base", "ratio"), [(1, 2, "×0.50"), (1, 1000, "×<0.01"), (500, 2, "×250"), (0, 0, "×1")]
)
def test_ratios(value: int, base: int, ratio: str) -> None:
    assert sides._ratio(value, base) == ratio


def test_the_headline() -> None:
    assert (
        sides.describe_sides(two()).sentence
        == "in place peaks lowest, at 0 bytes; new array at 61.0 MiB; results: same bits"
    )
    lead = "second <b> peaks lowest, at 2.0 MiB; first at 3.0 MiB"
    assert sides.describe_sides(four()).sentence == f"{lead}; results: second <b> close, 变体 four differs; dies raised"
    assert sides.describe_sides(nothing()).sentence == "The same peak, 0 bytes"


def test_a_difference_that_nobody_can_read_is_none() -> None:
    trace = make_traces.spikes()
    peaks = {"a": replace(trace, peak=16_000_008), "b": replace(trace, peak=16_000_000)}
    assert sides._headline(peaks, {})[0] == "The same peak, 15.3 MiB"


def test_the_plots_stand_below_each_other_in_one_figure() -> None:
    one = render.figure(of_kept({"a": make_traces.spikes()}))
    three = render.figure(of_kept({name: make_traces.spikes() for name in "abc"}))
    assert one.get_size_inches()[0] == three.get_size_inches()[0] == 8
    assert 2.5 < three.get_size_inches()[1] / one.get_size_inches()[1] < 3
    assert render.figure(nothing()) is None


def test_a_run_that_is_over_is_drawn_as_nothing() -> None:
    side = sides.describe_sides(two()).sides[1]
    assert side.curves is not None
    ended = sides.ended(side.curves)
    assert ended.allocated[1][-1] == 0 and ended.allocated[0][-1] <= ended.time.high


def test_drawing_takes_less_than_half_a_second() -> None:
    comparison = of_kept({"a": make_traces.spikes(), "b": make_traces.spikes()})
    render.warm_up()
    times = []
    for _ in range(3):
        start = time.process_time()
        versus.bundle(comparison)
        times.append(time.process_time() - start)
    assert min(times) < 0.5
