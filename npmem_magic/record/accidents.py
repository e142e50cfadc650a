"""Numeric accidents by line: overflow, invalid, divide by zero and underflow, as NumPy notices them.

NumPy's error state is set to call us while the cell runs, and put back as it was. What the user would have seen without
us is still seen: a warning is given again, with its own words and from its own line.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

_KINDS = {"overflow": "over", "invalid value": "invalid", "divide by zero": "divide", "underflow": "under"}
_MESSAGE = re.compile(r"(?:Warning: )?((.+?) encountered in .+?)\n?", re.DOTALL)
_TOUCHED = re.compile(r"seterr|geterr")
_STRICT = re.compile(r"(filterwarnings|simplefilter)\(\s*[\"']error")


@dataclass(frozen=True)
class Accident:
    """What went wrong `count` times on one line, in NumPy's words (``overflow encountered in exp``)."""

    filename: str
    line: int
    what: str
    count: int


def _is_strict(each: tuple[Any, ...]) -> bool:
    """Whether a filter of `warnings` turns NumPy's warnings into errors."""
    return each[0] == "error" and issubclass(RuntimeWarning, each[2])


class ErrorLog:
    """Notes what NumPy reports on lines of `files` while it is switched on."""

    def __init__(self, files: frozenset[str], source: str, namespace: Mapping[str, object]) -> None:
        self._files, self._source, self._namespace = files, source, namespace
        self._found: Counter[tuple[str, int, str]] = Counter()
        self._before: dict[str, str] = {}
        self._modes: dict[str, str] = {}

    def start(self) -> tuple[str, ...]:
        """Listen; a sentence where that would be noticed."""
        state: dict[str, Any] = dict(np.geterr())
        # NumPy keeps us in every copy of the context that a task takes, where the collector does not see us: a
        # namespace that holds such a task would never be freed if we held the namespace.
        namespace, self._namespace = self._namespace, {}
        if _TOUCHED.search(self._source) or any(map(self._touches, list(namespace.values()))):
            return ("The cell reads or sets NumPy's error state itself, so numeric accidents were not noted.",)
        if _STRICT.search(self._source) or any(map(_is_strict, warnings.filters)):
            # A warning that raises would come from our own frame, and its traceback would show that.
            return ("Warnings are turned into errors here, so numeric accidents were not noted.",)
        if {"call", "log"} & set(state.values()):
            return ("NumPy's error state calls a function of yours, so numeric accidents were not noted.",)
        self._before = state
        self._call = np.seterrcall(self)
        heard: Any = {kind: "log" for kind, mode in state.items() if mode in ("warn", "ignore")}
        np.seterr(**heard)
        return ()

    def _touches(self, value: object) -> bool:
        """Whether a function of the user's names the error state."""
        return type(value) is FunctionType and any(_TOUCHED.match(name) for name in value.__code__.co_names)

    def stop(self) -> tuple[Accident, ...]:
        """Put the error state back, and tell."""
        if self._before:
            state: dict[str, Any] = dict(np.geterr())
            back: Any = {kind: self._before[kind] for kind, mode in state.items() if mode == "log"}
            np.seterr(**back)
            if np.geterrcall() is self:
                np.seterrcall(self._call)
            self._modes, self._before = self._before, {}
        return tuple(Accident(*where, count) for where, count in sorted(self._found.items()))

    def write(self, message: str) -> None:
        """What NumPy calls with ``Warning: overflow encountered in exp`` for each accident."""
        found = _MESSAGE.fullmatch(message)
        words, kind = (found[1], _KINDS.get(found[2], "")) if found else (message.strip(), "")
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_code.co_filename not in self._files:
            frame = frame.f_back
        if frame.f_code.co_filename in self._files:
            self._found[frame.f_code.co_filename, frame.f_lineno, words] += 1
        # A task that outlives the cell keeps this state, so what was said before still counts then.
        if (self._before or self._modes).get(kind, "warn") == "warn":
            warnings.warn(words, RuntimeWarning, stacklevel=2)
