"""The report as data and as text: numbers that add up, text that fits a terminal.

Golden pages: run with UPDATE_GOLDEN=1 in the environment to write tests/golden/ anew, then read the diff.
"""

from __future__ import annotations

import os
import re
from dataclasses import asdict, replace
from pathlib import Path
from pprint import pformat
from typing import Any

import make_traces
import numpy as np
import odd_traces
import pytest

from npmem_magic import render
from npmem_magic.render import page, rows, widths
from npmem_magic.trace import Holding, Trace

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(params=odd_traces.ALL)
def trace(request: pytest.FixtureRequest) -> Trace:
    return odd_traces.made(request.param)


def check_golden(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text + "\n", f"{name} differs; UPDATE_GOLDEN=1 writes it anew"


def is_asked(python: Any) -> bool:
    return python is not None and np.size(python[0]) > 0


def without_unasked(data: Any) -> Any:
    """What `asdict` made, without what only ``--python`` fills."""
    if isinstance(data, dict):
        return {key: without_unasked(value) for key, value in data.items() if key != "python" or is_asked(value)}
    return type(data)(map(without_unasked, data)) if isinstance(data, tuple | list) else data


def as_data(described: page.Page) -> str:
    """A Page as text, its curves by their length and last values."""
    data = without_unasked(asdict(described))
    for name in {"allocated", "resident", "python"} & {*(data["curves"] or ())}:
        times, values = data["curves"][name]
        data["curves"][name] = (len(times), times[-3:].tolist(), values[-3:].tolist())
    if data["curves"] and data["curves"]["panel"]:
        data["curves"]["panel"] = data["curves"]["panel"]["bytes_"]
    return pformat(data, width=118, sort_dicts=False)


# Golden pages


@pytest.mark.parametrize("name", odd_traces.ALL)
def test_the_page_as_data(name: str) -> None:
    check_golden(f"{name}.page", as_data(page.describe(odd_traces.made(name))))


@pytest.mark.parametrize("name", odd_traces.ALL)
def test_the_page_as_text(name: str) -> None:
    check_golden(f"{name}.txt", render.text(odd_traces.made(name)))


# Headline


@pytest.mark.parametrize(("error", "words"), [
    ("KeyboardInterrupt()", "Stopped by KeyboardInterrupt;"),
    ("ValueError('no')", "Stopped by ValueError('no');"),
    ("MemoryError((1000000000000,), dtype('float64'))", "Stopped by MemoryError: 7.3 TiB more were asked for"),
    ("MemoryError((10, 1000000000), dtype('int8'))", "an array of shape (10, 1000000000) and dtype int8;"),
    ("MemoryError('no array')", "Stopped by MemoryError('no array');"),
])  # fmt: skip
def test_what_stopped_the_run_is_said_in_words(error: str, words: str) -> None:
    assert words in page.describe(make_traces.trace(error=error)).error


def test_the_time_is_said_once() -> None:
    described = page.describe(make_traces.trace("del x", net=-(2**20), seconds=0.5))
    assert "500 ms" in described.headline.sentence and "500 ms" not in described.facts


def test_what_an_earlier_cell_held_and_this_one_freed_is_said() -> None:
    line, size = "x = np.ones(10**6)", 8_000_000
    sites = (make_traces.site(line, 1, "np.ones(10**6)", size, net=size),)
    again = make_traces.trace(line, peak=size, gross=size, net=0, expressions=sites)
    assert "7.6 MiB from before the start freed" in page.describe(again).facts
    first = replace(again, net=size)
    assert not any("before the start" in fact for fact in page.describe(first).facts)


@pytest.mark.parametrize(("nbytes", "words"), [(0, ""), (1, "~0"), (-1, "~0"), (2**20, "+1.0"), (-(2**20), "−1.0")])
def test_what_rounds_to_zero_is_no_zero(nbytes: int, words: str) -> None:
    assert page.Scale("MiB", 2**20, 1, 2**20, 1.0).number(nbytes, signed=True) == words


def test_the_headline_answers_in_one_sentence() -> None:
    sentence = page.describe(make_traces.spikes()).headline.sentence
    expected = "Peak 469.2 MiB above the start, on line 8: `np.where(mask, z, 0)`; kept 196.6 MiB; 1.69 s"
    assert sentence == expected


def test_the_headline_names_the_function() -> None:
    assert "above the start, in smooth, line 7: `np.apply" in page.describe(odd_traces.functions()).headline.sentence


def test_nothing_allocated() -> None:
    described = page.describe(make_traces.empty())
    assert described.headline.sentence == "No NumPy data was allocated."
    assert described.curves is None and not described.sections and not described.alive


def test_only_freed() -> None:
    made = make_traces.trace("del x", net=-(2**20), lines=(make_traces.cost(1, "del x", 0.1, 0, -(2**20)),))
    assert page.describe(made).headline.sentence == "Never above the start; freed 1.0 MiB; 1.2 ms"
    assert page.describe(made).sections


def test_resident_growth_is_drawn_when_numpy_took_nothing() -> None:
    samples = make_traces.curve((0, 0), (1, 50 * 2**20))
    made = make_traces.trace("x = [0] * 10**7", samples=samples, resident_peak=50 * 2**20)
    described = page.describe(made)
    assert described.curves is not None
    assert "resident peak 50.0 MiB, 50.0 MiB more than allocated" in described.facts


@pytest.mark.parametrize(
    ("engine", "words"), [("native", "exact, native ledger"), ("pure", "NumPy and Python, pure ledger")]
)
def test_the_engine_is_named(engine: str, words: str) -> None:
    assert page.describe(replace(make_traces.short(), engine=engine)).facts[-1] == words


# Sums


def test_what_was_alive_adds_up_to_the_peak(trace: Trace) -> None:
    assert sum(row.nbytes for row in page.describe(trace).alive) == trace.peak


def test_many_holders_fold_and_still_add_up() -> None:
    alive = page.describe(odd_traces.many_held()).alive
    assert len(alive) == 11 and alive[-1].name == "90 more"
    assert sum(row.nbytes for row in alive) == odd_traces.many_held().peak


def test_a_line_of_another_cell_is_said_to_be_one() -> None:
    rows_ = page.describe(odd_traces.functions()).alive
    assert {row.function for row in rows_ if row.line in (6, 7)} == {"smooth"}
    assert "smooth" not in {row.function for row in rows_ if row.line == 2}


def test_what_is_being_made_is_no_temporary() -> None:
    names = [row.name for row in page.describe(make_traces.spikes()).alive]
    assert names.count("being made") == 1


def test_unexplained_bytes_are_named_not_hidden() -> None:
    made = replace(make_traces.short(), at_peak=(Holding("x", "np.ones(1000)", 1, 8000),))
    assert [(row.name, row.nbytes) for row in page.describe(made).alive] == [("x", 8000), ("other", 16000)]


# Rows and what is underlined


def row_of(trace: Trace, line: int, section: int = 0) -> rows.Row:
    return next(row for row in page.describe(trace).sections[section].rows if row.line == line)


def test_the_peak_expression_is_marked() -> None:
    row = row_of(make_traces.spikes(), 8)
    (span,) = row.spans
    assert span.peak and row.source[span.start : span.end] == "np.where(mask, z, 0)"


def test_the_costliest_expression_of_each_other_line_is_marked() -> None:
    row = row_of(make_traces.spikes(), 4)
    (span,) = row.spans
    assert not span.peak and row.source[span.start : span.end] == "(signal - baseline) / (baseline + 1)"


def test_columns_count_bytes_not_characters() -> None:
    row = row_of(odd_traces.hostile(), 3)
    assert [row.source[span.start : span.end] for span in row.spans] == ["np.ones(5_000_000)"]


def test_an_expression_of_several_lines_is_marked_on_each() -> None:
    smooth = page.describe(odd_traces.functions()).sections[1]
    marked = {row.line: row.source[span.start : span.end] for row in smooth.rows for span in row.spans if span.peak}
    assert marked == {
        7: "np.apply_along_axis(",
        8: 'lambda row: np.convolve(row, kernel, "same"),',
        9: "1,",
        10: "padded,",
        11: ")",
    }


def test_other_threads_have_a_row() -> None:
    last = page.describe(odd_traces.functions()).sections[0].rows[-1]
    assert (last.kind, last.source, last.net) == ("other", "another thread", 6_000_000)


def test_hot_lines_are_marked() -> None:
    assert row_of(odd_traces.functions(), 3).hits == "1000+"


def test_a_function_of_the_cell_and_a_line_of_the_cell_may_share_a_number() -> None:
    costs = (make_traces.cost(1, "f = lambda: np.ones(9)", 0.1), make_traces.cost(1, "", 0.1, 72, function="<lambda>"))
    made = make_traces.trace("f = lambda: np.ones(9)", gross=72, peak=72, lines=costs)
    assert row_of(made, 1).peak == 72


def test_long_cells_fold_what_costs_little_and_lose_nothing() -> None:
    described = page.describe(odd_traces.long())
    (section,) = described.sections
    assert len(section.rows) < 60 < 300 == len(section.whole)
    covered = [line for row in section.rows for line in range(row.line, row.last + 1)]
    assert covered == list(range(1, 301))
    assert sum(row.net for row in section.rows) == sum(row.net for row in section.whole) == odd_traces.long().net
    assert max(row.peak for row in section.rows if row.kind == "fold") <= min(
        row.peak for row in section.rows if row.kind == "line" and row.peak
    )


def test_the_line_of_the_peak_is_never_folded() -> None:
    made = odd_traces.made("long")
    (site,) = [site for site in made.expressions if site.line == 187]  # the cheapest of all
    made = replace(made, peak_line=187, peak_source=site.source)
    assert [span.peak for span in row_of(made, 187).spans] == [True]


def test_forty_lines_are_shown_whole() -> None:
    (section,) = page.describe(odd_traces.long(40)).sections
    assert len(section.rows) == 40 and not section.whole


# Text


def test_no_line_of_text_is_wider_than_80_columns(trace: Trace) -> None:
    assert max(map(widths.columns, render.text(trace).splitlines())) <= 80


def test_text_has_no_control_characters(trace: Trace) -> None:
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", render.text(trace))


def test_a_plot_has_values_on_its_axis_however_much_the_resident_set_grew() -> None:
    small = replace(make_traces.short(), samples=make_traces.curve((0, 0), (1, 2**30)))
    assert re.search(r"^ *\d+ KiB ┤", render.text(small), re.MULTILINE)


def test_a_few_bytes_below_the_start_get_no_axis_of_their_own() -> None:
    dip = make_traces.trace(
        "x = 1", net=2**20, gross=2**20, peak=2**20, timeline=make_traces.curve((0.2, -9), (0.5, 2**20))
    )
    assert "\n      0 └" in render.text(dip)


def test_wide_characters_take_two_columns() -> None:
    assert widths.columns("a名e\u0301") == 4
    assert widths.clip("名名名", 4) == "名…" and widths.fit("名", 4, ">") == "  名"


def test_the_mark_stands_under_its_expression() -> None:
    lines = render.text(odd_traces.hostile()).splitlines()
    at = next(index for index, line in enumerate(lines) if line.startswith("   3 名"))
    begin = widths.columns(lines[at][: lines[at].index("np.ones")])
    assert lines[at + 1] == " " * begin + "^" * len("np.ones(5_000_000)")
