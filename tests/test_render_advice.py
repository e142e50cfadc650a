"""Advice in a report: small diffs, five at sight, everything escaped."""

from __future__ import annotations

import re

from npmem_magic.render.advice import as_html, as_text, changed_lines
from npmem_magic.trace import Advice, Tempting

PIECE = Advice("add-in-place", 3, "x = x * 2", "x *= 2", 8 << 20, "same bits", "proven", "It writes into `x`.")
LONG = Advice(
    "a-rule", 1, "z\na\nb\nc\nd\ne\nf", "z\na\nb\nC\nd\ne\nf", 1 << 20, "close: up to 1e-12", "measured", "Why."
)
WRONG = Tempting("add-in-place", 4, "i = i / 2", "`i` is int64 <b>.")


def test_a_diff_shows_what_changes() -> None:
    assert list(changed_lines(PIECE)) == [("-", "x = x * 2"), ("+", "x *= 2")]
    marks = [("…", ""), (" ", "b"), ("-", "c"), ("+", "C"), (" ", "d"), ("…", "")]
    assert list(changed_lines(LONG)) == marks


def test_text() -> None:
    first, second = as_text((PIECE,), (WRONG,), 80)
    assert first == [
        "Advice",
        "1. −8.0 MiB at the peak · line 3 · add-in-place · proven, same bits",
        "  - x = x * 2",
        "  + x *= 2",
        "  It writes into `x`.",
        "Take one over with %memtrace --apply NUMBER, read on with %memtrace --explain",
        "RULE.",
    ]
    assert second == ["Tempting, but wrong on line 4: `i` is int64 <b>."]


def test_no_line_is_too_wide() -> None:
    wide = Advice("r", 1, "x" * 300, "y" * 300, 1, "same bits", "proven", "z " * 200)
    assert all(len(line) <= 60 for part in as_text((wide,), (), 60) for line in part)


def test_nothing_to_say() -> None:
    assert as_text((), (), 80) == [] and as_html((), ()) == ""


def test_html_is_escaped_and_folds_beyond_five() -> None:
    hostile = Advice("r", 1, "a<b", "<script>", 1, "same bits", "proven", "<img> `<i>`")
    text = as_html((hostile,) * 7, (WRONG,))
    assert "<script>" not in text and "<img>" not in text and "<code>&lt;i&gt;</code>" in text
    before, folded = text.split("2 more", 1)
    assert before.count("at the peak") == 5 and folded.count("at the peak") == 2
    assert "Tempting, but wrong (1)" in text and "&lt;b&gt;" in text


def test_more_than_five_in_text() -> None:
    parts = as_text((PIECE,) * 7, (), 80)
    assert len(parts) == 6 and parts[-1][0] == "and 2 more: see Trace.advice"


def test_control_characters_are_shown_not_sent() -> None:
    odd = Advice("r", 1, "x = '\x1b[31m'", "y", 1, "same bits", "proven", "\x1b")
    assert not re.search("\x1b", "".join(map("".join, as_text((odd,), (), 80))) + as_html((odd,), ()))
