"""How two results compare, as plain data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

SAME, CLOSE, DTYPE, DIFFERS, UNKNOWN = "same bits", "close", "dtype differs", "differs", "not compared"
_ORDER = (SAME, CLOSE, DTYPE, DIFFERS, UNKNOWN)


@dataclass(frozen=True, repr=False)
class Equality:
    """One verdict on the results of a variant against those of the first.

    Attributes
    ----------
    verdict : str
        ``same bits``; ``close`` (only rounding differs); ``dtype differs``; ``differs``; ``not compared``.
    where : str
        What decided it: a name, an item, or ``the last expression``; empty when all is the same.
    why : str
        A few words: ``float64 / float32``, ``shape (3,) / (4,)``, why nothing was compared.
    largest_absolute, largest_relative : float
        The largest differences over all numbers that were compared; 0 for the same bits.
    first : tuple of (str, str, str)
        The first items that differ: where, in the first variant, in this one.
    compared : tuple of str
        What was compared: names, and ``the last expression``.
    remarks : tuple of str
        What is the same to the bit and yet not the same: memory order, who shares memory with whom.
    """

    verdict: str
    where: str = ""
    why: str = ""
    largest_absolute: float = 0.0
    largest_relative: float = 0.0
    first: tuple[tuple[str, str, str], ...] = ()
    compared: tuple[str, ...] = ()
    remarks: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return " ".join(filter(None, (self.verdict, self.details and f"({self.details})")))

    def __repr__(self) -> str:
        return f"<{self}>"

    @property
    def details(self) -> str:
        """Everything but the verdict, in a few words; empty when there is nothing to add."""
        parts = [f"{self.where}: {self.why}" if self.where and self.why else self.where or self.why]
        if self.largest_absolute or (self.verdict == CLOSE and not self.why):
            relative = f", relative {self.largest_relative:.3g}" if self.largest_relative else ""
            parts.append(f"largest difference {self.largest_absolute:.3g}{relative}")
        parts += [f"{place}: {one} / {other}" for place, one, other in self.first[:1]]
        return ", ".join(filter(None, parts))


def worst(found: Iterable[Equality]) -> Equality:
    """The worst of several, with the largest differences and the remarks of all; ``same bits`` when there are none."""
    listed = list(found)
    if not listed:
        return Equality(SAME)
    chosen = max(listed, key=lambda each: _ORDER.index(each.verdict))
    is_number = [each for each in listed if each.verdict != UNKNOWN]
    return Equality(
        chosen.verdict,
        chosen.where,
        chosen.why,
        max((each.largest_absolute for each in is_number), default=0.0),
        max((each.largest_relative for each in is_number), default=0.0),
        chosen.first,
        tuple(dict.fromkeys(name for each in listed for name in each.compared)),
        tuple(dict.fromkeys(words for each in listed for words in each.remarks)),
    )
