"""What the words behind a magic may be: each function turns one into its value, or says what is wrong with it."""

from __future__ import annotations

import argparse

from . import budgets
from .host import NpmemError


def seconds(text: str) -> float:
    """A number of seconds, 0 or more."""
    number = float(text)
    if not 0 <= number < float("inf"):
        raise ValueError(text)
    return number


seconds.__name__ = "number of seconds"  # what argparse calls it when it complains


def size(text: str) -> str:
    """A size as `budgets.resolve` reads it: bytes, or a multiple of what the code reads."""
    try:
        return budgets.check(text)
    except NpmemError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def limit(text: str) -> str:
    """A size, or ``auto``."""
    return "auto" if text.lower() == "auto" else size(text)
