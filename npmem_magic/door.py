"""What the doors share: how they complain, and what they know of the shell."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from IPython.core.error import UsageError

from .host import NpmemError

BODY = 2  # the number of a cell's second line in the gutter: the magic itself stands on line 1


def variable_name(text: str) -> str:
    """`text`, if a variable can have that name; else the error argparse shows."""
    if not text.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not a name that a variable can have")
    return text


@contextmanager
def told_as_usage() -> Iterator[None]:
    """Turn what the project refuses to do into the one-line error that IPython shows without a traceback."""
    try:
        yield
    except NpmemError as error:
        raise UsageError(str(error)) from None


def in_terminal(shell: Any) -> bool:
    """True where only text can be shown, so that no picture needs to be drawn."""
    return bool(shell.display_formatter.active_types == ["text/plain"])


def complain(error: Exception) -> None:
    """Say that a report could not be made; the cell goes on."""
    print(f"The report could not be made ({type(error).__name__}: {error}). Please report this.", file=sys.stderr)


def seconds_of(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < float("inf"):
        raise ValueError(text)
    return seconds


seconds_of.__name__ = "number of seconds"  # what argparse calls it when it complains


def as_cell(given: str, text: str, had_body: bool) -> str:
    """The text below ``%%memtrace`` with the options given before, or behind ``%memtrace`` where it is one line."""
    if not had_body and "\n" not in text.rstrip("\n"):
        return " ".join(filter(None, ("%memtrace", given, text.rstrip("\n"))))
    return f"%%memtrace {given}".rstrip() + "\n" + text
