"""What is noted beside the bytes for the sake of dtypes: facts about names, and numeric accidents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from . import Around, Options, notice
from .accidents import Accident, ErrorLog
from .facts import Noted


@dataclass(frozen=True)
class DtypeNotes:
    """What was noted: the facts at each line's first run, what NumPy complained about, what ended the noting."""

    facts: tuple[Noted, ...]
    accidents: tuple[Accident, ...]
    trouble: str = ""


class _Companion:
    def __init__(self, around: Around) -> None:
        self._facts = notice.make(around.files, around.codes, around.text, around.notice)
        self._accidents = ErrorLog(
            around.files | {code.co_filename for code in around.codes}, around.raw, around.namespace
        )

    def start(self) -> tuple[str, ...]:
        return (*self._accidents.start(), *self._facts.start())

    def stop(self, namespace: Mapping[str, object]) -> DtypeNotes:
        accidents = self._accidents.stop()
        return DtypeNotes(self._facts.stop(namespace), accidents, self._facts.trouble())


def looking(sampler: str = "off") -> Options:
    """Options under which `Recording.beside` is a `DtypeNotes`."""
    return Options(sampler=sampler, beside=_Companion)
