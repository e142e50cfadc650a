"""Advice as small diffs, in text and HTML: five pieces at sight, the rest folded; and what is tempting but wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from html import escape

from ..sizes import human
from ..trace import Advice, Tempting
from .widths import clip, one_line, printable, wrap

SHOWN = 5
RED, GREEN = "#c62f33", "#1f8a45"
_DIM = "opacity:.72"
_NEAR = 1  # unchanged lines shown around a change
_PRE = "margin:0;white-space:pre-wrap;overflow-wrap:anywhere;background:transparent;color:inherit;font-size:12.5px"
_TAKE = "Take one over with %memtrace --apply NUMBER, read on with %memtrace --explain RULE."
_CODE = re.compile(r"`([^`]+)`")


def changed_lines(advice: Advice) -> Iterator[tuple[str, str]]:
    """(mark, line) of the diff: ``-`` goes, ``+`` comes, a blank stays, ``…`` stands for unchanged lines left out."""
    before, after = _lines(advice.before), _lines(advice.after)
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            yield from (("-", line) for line in before[a:b])
            yield from (("+", line) for line in after[c:d])
            continue
        first, last = (0 if a == 0 else _NEAR), (0 if b == len(before) else _NEAR)
        if b - a <= first + last + 1:
            yield from ((" ", line) for line in before[a:b])
        else:
            yield from ((" ", line) for line in before[a : a + first])
            yield "…", ""
            yield from ((" ", line) for line in before[b - last : b])


def _lines(text: str) -> list[str]:
    return [printable(line.expandtabs(4)) for line in text.rstrip().splitlines()]


def _facts(number: int, advice: Advice) -> tuple[str, str]:
    head = f"{number}. −{human(advice.saving)} at the peak"
    return head, f"line {advice.line} · {advice.rule} · {advice.verdict}, {one_line(advice.keeps)}"


def as_text(advice: tuple[Advice, ...], tempting: tuple[Tempting, ...], width: int) -> list[list[str]]:
    """Paragraphs of lines; none without advice."""
    found = [_text(number, piece, width) for number, piece in enumerate(advice[:SHOWN], 1)]
    if found:
        found[0].insert(0, "Advice")
    if more := len(advice) - SHOWN:
        found += [[f"and {more} more: see Trace.advice"]] if more > 0 else []
    if found:
        found[-1] += wrap(_TAKE, width)
    for piece in tempting:
        words = f"Tempting, but wrong on line {piece.line}: {printable(one_line(piece.why))}"
        found.append(wrap(words, width, "  "))
    return found


def _text(number: int, advice: Advice, width: int) -> list[str]:
    diff = [clip(f"  {mark} {line}".rstrip(), width) for mark, line in changed_lines(advice)]
    why = [f"  {line}" for line in wrap(printable(advice.why), width - 2)]
    return [*wrap(" · ".join(_facts(number, advice)), width, "   "), *diff, *why]


def as_html(advice: tuple[Advice, ...], tempting: tuple[Tempting, ...]) -> str:
    """The pieces one below the other, each with its diff; empty without advice."""
    pieces = [_html(number, piece) for number, piece in enumerate(advice, 1)]
    shown = "".join(pieces[:SHOWN])
    if rest := pieces[SHOWN:]:
        shown += _fold(f"{len(rest)} more", "".join(rest))
    if shown:
        shown = _title("Advice") + shown + f'<div style="{_DIM}">{escape(_TAKE)}</div>'
    if tempting:
        items = "".join(f"<li>line {each.line}: {_code(each.why)}</li>" for each in tempting)
        listed = f'<ul style="margin:4px 0 0;padding-left:22px;{_DIM}">{items}</ul>'
        shown += _fold(f"Tempting, but wrong ({len(tempting)})", listed)
    return shown


def _html(number: int, advice: Advice) -> str:
    head, words = _facts(number, advice)
    colors = {"-": f"color:{RED}", "+": f"color:{GREEN}"}
    marks = {"-": "−", "+": "+", " ": " ", "…": "⋮"}
    diff = "".join(
        f'<span style="{colors.get(mark, _DIM)}">{escape(f"{marks[mark]} {line}".rstrip())}\n</span>'
        for mark, line in changed_lines(advice)
    )
    return (
        '<div style="margin:6px 0;padding:4px 10px;border:1px solid rgba(128,128,128,.45);border-radius:6px">'
        f'<strong style="color:{GREEN}">{escape(head)}</strong> · {_code(words)}'
        f'<pre style="{_PRE};padding:3px 0">{diff}</pre>'
        f'<div style="{_DIM}">{_code(advice.why)}</div></div>'
    )


def _code(words: str) -> str:
    """Escaped words, what stands between backticks as code."""
    return _CODE.sub(r"<code>\1</code>", escape(printable(words)))


def _title(words: str) -> str:
    return f'<div style="margin:12px 0 3px"><strong>{escape(words)}</strong></div>'


def _fold(summary: str, inner: str) -> str:
    head = f'<summary style="cursor:pointer;{_DIM}">{escape(summary)}</summary>'
    return f'<details style="margin:6px 0 0">{head}{inner}</details>'
