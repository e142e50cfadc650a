"""The live display: its messages in a real kernel, how far loops are, what is drawn, and that it weighs nothing."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from kernels import Kernel, Message, kernel

import npmem_magic
from npmem_magic import live, rounds
from npmem_magic.cell import Cell, PlainPython
from npmem_magic.record import Now, Options, record
from npmem_magic.render import live as ink
from npmem_magic.rounds import Round

# In a kernel


@pytest.fixture(scope="module", params=["native", "pure"])
def notebook(request: pytest.FixtureRequest) -> Iterator[Kernel]:
    with kernel(request.param) as started:
        started.run(COUNT)
        yield started


# Cells last until enough was told, however slow the machine is: `told` counts the words of the cell that runs.
COUNT = """
from npmem_magic import live
told, begun = [], []
def tell(self, now, tell=live.NotebookDisplay.tell):
    if not now.seconds:
        told.clear()
        begun[:] = [time.monotonic()]
    tell(self, now)
    told.append(now)
live.NotebookDisplay.tell = tell
def on(words=5):
    return len(told) <= words and time.monotonic() < begun[0] + 60
"""
BUSY = {
    "python loop": "while on():\n    sum(range(1000))",
    "numpy": "x = np.random.default_rng(1).random(300_000)\nwhile on():\n    y = np.sort(x)",
    "asleep": "while on():\n    time.sleep(1)",
    "awaiting": "import asyncio\nwhile on():\n    await asyncio.sleep(0.05)",
}


def displays(shown: list[Message]) -> list[Message]:
    return [each for each in shown if each.kind.endswith("display_data")]


@pytest.mark.parametrize("name", BUSY)
def test_one_display_changed_in_place(notebook: Kernel, name: str) -> None:
    shown = displays(notebook.run("%%memtrace --live\n" + BUSY[name]))
    assert [each.kind for each in shown] == ["display_data"] + ["update_display_data"] * (len(shown) - 1)
    assert len({each.display_id for each in shown}) == 1 and shown[0].display_id
    assert [each.ours for each in shown] == ["live"] * (len(shown) - 1) + ["memtrace"]
    # Two to four a second; fewer where other programs keep the machine busy, never more.
    assert 5 <= len(shown) - 2 <= 4 * shown[-1].at + 1
    for each in shown[1:-1]:
        assert re.match(r"[\d.]+ (ms|s) · allocated ", each.text), each.text
        assert len(each.content["data"]["text/html"]) < 8000


def test_it_says_where_it_is_and_how_far(notebook: Kernel) -> None:
    loop = "for i in range(n):\n    kept.append(np.ones(500_000))\n    while on(i + 2): pass"
    cell = f"%%memtrace --live\nn = 5\nkept = []\n{loop}"
    words = [each.text for each in displays(notebook.run(cell))[1:-1]]
    found = [re.search(r"line 4: round (\d+) of 5", text) for text in words]
    numbers = [int(match[1]) for match in found if match]
    assert numbers == sorted(numbers) and len(set(numbers)) >= 3
    assert all(re.search(r" line [456]| in on, ", text) for text in words)
    assert " free" in words[-1] and "MiB" in words[-1]


def test_short_cells_show_the_report(notebook: Kernel) -> None:
    shown = notebook.run("%%memtrace --live\nx = np.ones(1000)\nprint('a')\n5")
    assert [each.ours or each.kind for each in shown] == ["live", "stream", "memtrace", "execute_result"]


def test_quiet_leaves_nothing_to_see(notebook: Kernel) -> None:
    shown = displays(notebook.run("%%memtrace --live -q\nx = 1"))
    assert shown[-1].text == "" and shown[-1].content["data"]["text/html"] == ""


def test_an_error_comes_after_the_report(notebook: Kernel) -> None:
    shown = notebook.run("%%memtrace --live\ntime.sleep(0.5)\n1 / 0")
    assert [each.ours or each.kind for each in shown[-2:]] == ["memtrace", "error"]


def test_an_interrupt_ends_it(notebook: Kernel) -> None:
    shown = notebook.run(
        "%%memtrace --live\nimport signal\nwhile on(2): pass\nsignal.raise_signal(signal.SIGINT)\ntime.sleep(60)"
    )
    assert [each.ours or each.kind for each in shown[-2:]] == ["memtrace", "error"]
    assert shown[-1].content["ename"] == "KeyboardInterrupt"
    assert "npmem_magic" not in notebook.value("[t.name for t in __import__('threading').enumerate()]")


def test_what_is_refused_leaves_no_display(notebook: Kernel) -> None:
    shown = notebook.run("%%memtrace --live --max-peak 3x\nx = 5")
    assert [each.kind for each in shown] == ["stream"]
    assert shown[0].text.startswith("UsageError")


def test_it_weighs_nothing(notebook: Kernel) -> None:
    cell = "{}\nx = np.ones(300_000)\n{}\ny = x + 1\ndel x"
    peaks = []
    for options, wait in (
        ("%%memtrace -q -o t", "time.sleep(0.1)"),
        ("%%memtrace -q --live -o t", "while on(3): pass"),
    ):
        notebook.run("x = y = None")
        notebook.run(cell.format(options, wait))
        peaks.append([int(number) for number in notebook.value("t.peak, t.net").strip("()").split(", ")])
    slack = 0 if notebook.value("t.engine") == "'native'" else 256 << 10
    assert all(abs(with_live - without) <= slack for without, with_live in zip(*peaks, strict=True))


# In this process


def moments(source: str, **names: Any) -> tuple[list[Now], npmem_magic.Trace]:
    """What is told of a run of `source`, and its trace; with ``while on(n): pass`` it goes on until `n` were told."""
    told: list[Now] = []
    end = time.monotonic() + 60
    namespace = {"np": np, "on": lambda words=2: len(told) <= words and time.monotonic() < end, **names}
    cell = Cell.from_source(source, PlainPython(), namespace)
    recording = record(cell, namespace, Options(sampler="off", tell=told.append))
    assert recording.outcome.error is None, recording.outcome.error
    return told, recording.trace


def test_the_first_word_comes_before_the_run() -> None:
    told, _ = moments("pass")
    assert [now.seconds for now in told] == [0.0] and told[0].free > 0


def test_the_numbers_are_those_of_the_ledger() -> None:
    told, trace = moments("x = np.ones(1_000_000)\nwhile on(): pass")
    assert told[-1].allocated == 8_000_000 and told[-1].line == 2 and told[-1].source == "while on(): pass"
    assert told[-1].peak == trace.peak
    assert told[-1].curve[0] == sorted(told[-1].curve[0])


def test_the_function_that_runs_is_named() -> None:
    told, _ = moments("def work():\n    while on(): pass\nwork()")
    assert (told[-1].function, told[-1].line) == ("work", 2)


def test_a_display_that_fails_does_not_harm_the_run() -> None:
    calls: list[float] = []

    def tell(now: Now) -> None:
        calls.append(now.seconds)
        if now.seconds:
            raise ValueError("no paint")

    source = "import time\nwhile len(calls) < 2: time.sleep(0.01)\ntime.sleep(0.5)\ny = 7"
    cell = Cell.from_source(source, PlainPython(), {"calls": calls})
    recording = record(cell, cell.namespace, Options(sampler="off", tell=tell))
    assert cell.namespace["y"] == 7 and len(calls) == 2
    assert any("ValueError: no paint" in note for note in recording.trace.notes)


def test_no_array_is_kept_alive_by_looking() -> None:
    source = "for row in x:\n    while on(2): pass\n    row = None\ny = np.ones(500_000)\ny = None"
    _, trace = moments(source, x=np.ones((3, 4)))
    assert trace.net == 0


# How far a loop is


def far(source: str, line: int, **names: object) -> list[Round]:
    return rounds.rounds_of(source, 1).at(line, names)


X = np.zeros((7, 3))


@pytest.mark.parametrize(
    ("loop", "names", "expected"),
    [
        ("for i in range(10):", {"i": 3}, (4, 10)),
        ("for i in range(n):", {"i": 0, "n": 10}, (1, 10)),
        ("for i in range(n):", {"i": 0, "n": np.int64(10)}, (1, 10)),
        ("for i in range(2, 10, 4):", {"i": 6}, (2, 2)),
        ("for i in range(10, 0, -1):", {"i": 10}, (1, 10)),
        ("for i in range(len(x) - 1):", {"i": 5, "x": X}, (6, 6)),
        ("for i in range(x.shape[1]):", {"i": 1, "x": X}, (2, 3)),
        ("for i in range(x.size // 3):", {"i": 1, "x": X}, (2, 7)),
        ("for i, v in enumerate(x):", {"i": 2, "x": X}, (3, 7)),
        ("for i, v in enumerate(range(5)):", {"i": 4}, (5, 5)),
        ("for i, v in enumerate(names):", {"i": 0, "names": ["a", "b"]}, (1, 2)),
        ("for row in x:", {"row": X[4], "x": X}, (5, 7)),
        ("for row in x:", {"row": X[::-1][0], "x": X[::-1]}, (1, 7)),
    ],
)
def test_known_loops(loop: str, names: dict[str, object], expected: tuple[int, int]) -> None:
    assert far(f"{loop}\n    pass", 2, **names) == [Round(1, *expected)]


@pytest.mark.parametrize(
    ("loop", "names"),
    [
        ("for i in range(n):", {"i": 3}),
        ("for i in range(n):", {"i": 3, "n": "text"}),
        ("for i in range(10):", {"i": 11}),
        ("for i in range(10):", {"i": 3, "range": list}),
        ("for i in range(10):", {}),
        ("for i in range(1, 5, 0):", {"i": 3}),
        ("for i in thing():", {"i": 3}),
        ("for v in x:", {"v": 3.0, "x": np.zeros(5)}),
        ("for row in x:", {"row": np.zeros(3), "x": X}),
        ("for row in x:", {"row": X[1, :2], "x": X}),
        ("while True:", {"i": 3}),
    ],
)
def test_unknown_loops_are_left_out(loop: str, names: dict[str, object]) -> None:
    assert far(f"{loop}\n    pass", 2, **names) == []


def test_nested_loops_outermost_first() -> None:
    source = "for i in range(3):\n    for j in range(4):\n        pass\n    pass"
    assert far(source, 3, i=1, j=2) == [Round(1, 2, 3), Round(2, 3, 4)]
    assert far(source, 4, i=1, j=3) == [Round(1, 2, 3)]
    assert far(source, 1, i=1) == [] and far("for i in", 1) == []


# What is drawn


HOSTILE = Now(
    seconds=1.5,
    allocated=3 << 20,
    peak=5 << 20,
    resident=-4096,
    free=7 << 30,
    line=3,
    function="<b>f</b>",
    source="x = '<script>' + \"&\"\x1b[2J",
    rounds=(Round(2, 5, 10),),
    curve=([1000, 2_000_000], [0, 3 << 20]),
    resident_curve=([-5, 10**9], [-7, 9 << 20]),
)


class Balanced(HTMLParser):
    """Fails where a tag is not closed; `tags` are those seen."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("now", [Now(), HOSTILE, Now(seconds=1e-9), Now(seconds=4000.0, curve=([0], [0]))])
def test_html_is_whole_and_harmless(now: Now) -> None:
    page = Balanced()
    page.feed(ink.html(now))
    page.close()
    assert page.open == [] and "script" not in page.tags and "svg" in page.tags
    assert "\x1b" not in ink.html(now) and "nan" not in ink.html(now)


@pytest.mark.parametrize("width", [20, 40, 80])
def test_the_line_fits(width: int) -> None:
    assert len(ink.line(HOSTILE, width)) <= width
    assert "\x1b" not in ink.line(HOSTILE, 200) and "\n" not in ink.line(HOSTILE, 200)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_terminal_line_is_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    display = live.TerminalDisplay()
    display.tell(HOSTILE)
    display.end({}, {})
    first, last = stream.getvalue().split("\r")[1:]
    assert first.startswith("1.5 s · allocated 3.0 MiB") and last == "\x1b[K" and "\n" not in stream.getvalue()


def test_no_terminal_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    display = live.TerminalDisplay()
    display.tell(HOSTILE)
    display.clear()
    assert stream.getvalue() == ""
