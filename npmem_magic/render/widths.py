"""Text measured in terminal columns: wide characters take two, combining ones none."""

from __future__ import annotations

import re
import unicodedata

WIDTH = 80  # columns of a report in a terminal, unless told otherwise


def columns(text: str) -> int:
    """The number of terminal columns `text` takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def clip(text: str, width: int) -> str:
    """`text`, cut to at most `width` columns; a cut is shown by ``…``."""
    if columns(text) <= width:
        return text
    kept, taken = [], 0
    for char in text:
        if taken + _width(char) > width - 1:
            break
        kept.append(char)
        taken += _width(char)
    return "".join(kept) + "…" if width > 0 else ""


def fit(text: str, width: int, align: str = "<") -> str:
    """`text` cut or filled with spaces to exactly `width` columns, aligned left (``<``), right or centred (``^``)."""
    text = clip(text, width)
    missing = width - columns(text)
    left = {"<": 0, ">": missing, "^": missing // 2}[align]
    return " " * left + text + " " * (missing - left)


def one_line(text: str) -> str:
    """`text` with every run of white space, line ends included, turned into one space; control characters shown."""
    return printable(" ".join(text.split()))


def expression(source: str) -> str:
    """An expression that may span several lines as one line, as one would write it on one."""
    source = re.sub(r"([(\[{])[ \t]*\n\s*", r"\1", source)
    return one_line(re.sub(r",?[ \t]*\n\s*([)\]}])", r"\1", source))


def printable(text: str) -> str:
    """`text` safe in a terminal and in UTF-8: control characters as ``\\x1b``, lone surrogates as ``\\ud800``."""
    return "".join(char if unicodedata.category(char) not in ("Cc", "Cs") else ascii(char)[1:-1] for char in text)


def beside(text: str) -> str:
    """`text` with every number tied to its unit by a space that does not break."""
    return re.sub(r"(\d) (?=bytes|[KMGT]iB|[nmµ]?s\b)", "\\1\u00a0", text)


def wrap(text: str, width: int, indent: str = "") -> list[str]:
    """`text` in lines of at most `width` columns, all but the first indented; a number keeps its unit beside it."""
    lines = [""]
    for word in beside(text).split(" "):
        if lines[-1].strip() and columns(f"{lines[-1]} {word}") > width:
            lines.append(indent + word)
        else:
            lines[-1] += f" {word}" if lines[-1].strip() else word
    return [clip(line.replace("\u00a0", " "), width) for line in lines]
