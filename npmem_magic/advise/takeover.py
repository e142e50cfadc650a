"""Advice taken over: the text of the next cell; and a rule's page, to be read."""

from __future__ import annotations

import difflib
import textwrap

from ..export import apart, apply_advice
from ..host import NpmemError
from ..rules import rules
from ..trace import Trace


def rewritten(trace: Trace, raw: str, which: str) -> str:
    """The cell as its user wrote it (`raw`), with advice taken over: its number from 1 on, or ``all`` of it.

    Raises
    ------
    NpmemError
        When there is no such advice, or its text stands in a line that IPython rewrote.
    """
    if not trace.advice:
        raise NpmemError("There is no advice on the last trace. Trace the cell again after changing it.")
    if which == "all":
        return apply_advice(raw, trace.first_line, apart(raw, trace.first_line, trace.advice))
    count = len(trace.advice)
    if not which.isdecimal() or not 1 <= int(which) <= count:
        known = "only number 1" if count == 1 else f"numbers 1 to {count}"
        raise NpmemError(f"There is no advice {which!r}: the last trace has {known}, or say `all`.")
    return apply_advice(raw, trace.first_line, [trace.advice[int(which) - 1]])


def page_of(name: str) -> str:
    """The documentation of a rule as text; without a name the list of all rules.

    Raises
    ------
    NpmemError
        When there is no such rule; says which names come near.
    """
    known = rules()
    if name in ("", "all"):
        width = max(map(len, known))
        return "\n".join(f"{rule.name:{width}}  {rule.summary}" for rule in known.values())
    if name not in known:
        near = difflib.get_close_matches(name, known, 3) or list(known)[:3]
        raise NpmemError(f"There is no rule {name!r}. Perhaps {', '.join(near)}? `--explain all` lists them.")
    rule = known[name]
    parts = [f"{rule.name}: {rule.summary}"]
    for heading, text in rule.pages.items():
        body = text if heading in ("Why", "Keeps") else textwrap.indent(text, "    ")
        parts.append(f"{heading}\n{'-' * len(heading)}\n{body}")
    return "\n\n".join(parts)
