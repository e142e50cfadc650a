"""A Sheet: a report of tables, as plain data. sheet_text and sheet_html only draw it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column's head and its alignment (``<`` or ``>``); `is_code` for source; `gives` where it may be narrowed."""

    head: str
    align: str = "<"
    is_code: bool = False
    gives: bool = False


@dataclass(frozen=True)
class Entry:
    """One row: its cells, what is said below them, and the share (0 to 1) that the bar behind `bar_at` fills.

    `is_strong` for the row that matters most; `is_quiet` for one of no weight.
    """

    cells: tuple[str, ...]
    details: tuple[str, ...] = ()
    share: float = 0.0
    is_strong: bool = False
    is_quiet: bool = False


@dataclass(frozen=True)
class Table:
    """A table with a title; `bar_at` is the column the bars lie behind, `total` a last row under a rule."""

    title: str
    columns: tuple[Column, ...]
    entries: tuple[Entry, ...]
    more: str = ""
    bar_at: int = -1
    total: tuple[str, ...] = ()
    remark: str = ""


@dataclass(frozen=True)
class Change:
    """A rewrite: what it is for, the source before and after (empty `before`: something to add), and why."""

    headline: str
    before: str
    after: str
    why: str = ""


@dataclass(frozen=True)
class Snippet:
    """A program that runs as it stands."""

    title: str
    source: str


@dataclass(frozen=True)
class Case:
    """Something found: its `weight` in a word, what was seen, why it matters, what to do; the last two may be empty."""

    weight: str
    seen: str
    matters: str
    do: str


@dataclass(frozen=True)
class Listing:
    """Names with what is to be said of each; long words wrap."""

    title: str
    rows: tuple[tuple[str, str], ...]


Piece = Table | Change | Snippet | Case | Listing


@dataclass(frozen=True)
class Sheet:
    """A report: the answer (`amount` in bold, then `rest`), facts beside it, an error, the pieces, and notes."""

    kind: str
    amount: str
    rest: str
    facts: tuple[str, ...] = ()
    error: str = ""
    pieces: tuple[Piece, ...] = ()
    notes: tuple[str, ...] = ()
