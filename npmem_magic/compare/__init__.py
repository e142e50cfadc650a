"""Variants weighed against each other: `compare` for people, `prove` for the advice. One engine for both.

What is behind these names is imported when one is first used: most sessions never do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..host import NpmemError

if TYPE_CHECKING:
    from ..trace import Trace
    from .comparison import Comparison
    from .proof import Verdict

__all__ = ["analyze", "compare", "prove"]


def compare(
    *variants: str | Callable[..., object],
    repeat: int = 1,
    namespace: dict[str, Any],
    labels: Iterable[str] | None = None,
    copy: bool = True,
    sampler: str = "auto",
    interval: float = 0.0,
) -> Comparison:
    """See `npmem_magic.compare`."""
    from ..record import Options
    from . import rounds
    from .variants import from_any

    terms = rounds.Terms(repeat, copy, True, Options(sampler=sampler, interval=interval))
    return rounds.run_now(rounds.Bench(from_any(variants, labels), namespace, terms).run())


def analyze(functions: tuple[Callable[..., object], ...], interval: float, repeat: int) -> Comparison | Trace:
    """See `npmem_magic.analyze_memory`."""
    from ..record import Options
    from . import drawn, rounds
    from .variants import from_any

    if not functions:
        raise NpmemError(
            "No function was given: analyze_memory(f, g) calls f() and g(); functools.partial binds arguments."
        )
    options = Options(interval=interval)
    bench = rounds.Bench(from_any(functions, None), {}, rounds.Terms(repeat, False, False, options))
    comparison = rounds.run_now(bench.run())
    for label in comparison.traces:
        if label in bench.errors:
            raise bench.errors[label]
    return drawn.draw(comparison if len(functions) > 1 else next(iter(comparison.traces.values())))


def prove(before: str, after: str, namespace: Mapping[str, Any], **how: Any) -> Verdict:
    """See `proof.prove`."""
    from . import proof

    return proof.prove(before, after, namespace, **how)
