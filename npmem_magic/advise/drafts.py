"""Drafts: what the rules suggest, as text that can be taken over, and what was found out about it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from ..export import apply_advice
from ..host import NpmemError
from ..rewriting.suggestion import ASK, CLOSE, SAME, Suggestion, edit_of, text_before
from ..rewriting.text import splice
from ..rewriting.view import CellView, Statement
from ..rules import rules
from ..trace import Advice, Tempting

LEAST = 1 << 20  # bytes below which nothing is said
SHARE = 20  # and nothing below one in so many of the cell's peak


@dataclass(frozen=True, eq=False)
class Draft:
    """One suggestion with the advice that it would be."""

    suggestion: Suggestion
    advice: Advice
    view: CellView

    @property
    def text(self) -> tuple[int, str, str]:
        """Where it changes what into what."""
        return self.advice.line, self.advice.before, self.advice.after

    @cached_property
    def source(self) -> str:
        """The whole cell with it taken over."""
        return apply_advice(self.view.trace.source, self.view.trace.first_line, [self.advice])

    @property
    def lines(self) -> range:
        """The lines that it changes."""
        return range(self.suggestion.first.node.lineno, (self.suggestion.last.node.end_lineno or 0) + 1)

    def overlaps(self, other: Draft) -> bool:
        """Whether both change a line."""
        return self.lines.start < other.lines.stop and other.lines.start < self.lines.stop


@dataclass
class Gathered:
    """What the rules have to say of a cell; `troubles` are sentences on rules that failed."""

    drafts: list[Draft]
    tempting: list[Tempting]
    troubles: list[str]
    texts: set[tuple[int, str, str]] = field(default_factory=set)


def least(view: CellView) -> int:
    """Bytes that a piece of advice must save to be worth a word."""
    return max(LEAST, view.trace.peak // SHARE)


def gather(view: CellView) -> Gathered:
    """Ask every rule. One that fails is told of, and the others are asked all the same."""
    found = Gathered([], [], [])
    for rule in rules().values():
        try:
            found.tempting += [each for each in rule.warn(view) if each not in found.tempting]
            for suggestion in rule.suggest(view):
                _take(view, rule.name, suggestion, found)
        except Exception as error:  # a rule reads code of any shape: its fault must not cost the report
            found.troubles.append(f"The rule {rule.name} failed on this cell ({type(error).__name__}: {error}).")
    for names, suggestion in _joined(found.drafts):
        _take(view, names, suggestion, found)
    return found


def _joined(drafts: Sequence[Draft]) -> Iterator[tuple[str, Suggestion]]:
    """For each statement of which several expressions can be exchanged, all that do not overlap exchanged at once."""
    groups: dict[Statement, list[Draft]] = {}
    for draft in drafts:
        if draft.suggestion.changes and draft.suggestion.keeps != ASK:
            groups.setdefault(draft.suggestion.first, []).append(draft)
    for statement, group in groups.items():
        taken = _side_by_side(statement, group)
        if len(taken) > 1:
            suggestions = [draft.suggestion for draft in taken]
            line = splice(statement, [change for each in suggestions for change in each.changes])
            keeps = CLOSE if any(each.keeps == CLOSE for each in suggestions) else SAME
            why = " ".join(dict.fromkeys(each.why for each in suggestions))
            saving = sum(each.saving for each in suggestions)
            names = " + ".join(dict.fromkeys(draft.advice.rule for draft in taken))
            yield names, Suggestion(statement, statement, (line,), why, keeps, saving=saving)


def _side_by_side(statement: Statement, drafts: Sequence[Draft]) -> list[Draft]:
    """Those that change expressions of which none stands in another; of two, the one that changes the outer one."""
    order = {node: place for place, node in enumerate(statement.expressions)}  # outer ones first
    taken: list[Draft] = []
    changed: set[ast.AST] = set()
    for draft in sorted(drafts, key=lambda each: min(order[node] for node, _ in each.suggestion.changes)):
        inside = {part for node, _ in draft.suggestion.changes for part in ast.walk(node) if isinstance(part, ast.expr)}
        if not inside & changed:
            taken.append(draft)
            changed |= inside
    return taken


def _take(view: CellView, rule: str, suggestion: Suggestion, found: Gathered) -> None:
    for path in suggestion.overwrites:
        fact = suggestion.first.fact(path)
        if fact is None:
            return
        if fact.obstacle:
            line, source = suggestion.first.node.lineno, suggestion.first.source(suggestion.first.node)
            why = f"`{path}` cannot be written in place: {fact.obstacle}."
            if suggestion.saving >= least(view) and why not in {each.why for each in found.tempting}:
                found.tempting.append(Tempting(rule, line, source, why))
            return
    draft = drafted(view, rule, suggestion)
    if draft is not None and draft.text not in found.texts:
        found.drafts.append(draft)
        found.texts.add(draft.text)


def drafted(view: CellView, rule: str, suggestion: Suggestion) -> Draft | None:
    """The draft of a suggestion; None where its text cannot be put there, or would be no Python."""
    edit = edit_of(suggestion)
    if edit is None:
        return None
    line, before, after = edit
    advice = Advice(rule, line, before, after, suggestion.saving, suggestion.keeps, "measured", suggestion.why)
    try:
        apply_advice(view.trace.source, view.trace.first_line, [advice])
        made = _parsed(view, suggestion, after)
    except (NpmemError, SyntaxError):
        return None  # the same text stands twice on the line, or it does not go there
    last = suggestion.last.node
    if last is view.tree.body[-1] and isinstance(made[-1], ast.Expr) and not isinstance(last, ast.Expr):
        advice = replace(advice, after=f"{after};")  # the cell would begin to show and keep a value
    return Draft(suggestion, advice, view)


def _parsed(view: CellView, suggestion: Suggestion, after: str) -> list[ast.stmt]:
    """The new statements; the first begins where the old ones began, the others stand as far in as that."""
    indent = text_before(view, suggestion.first.node)
    if not indent or indent.strip():
        return ast.parse(after).body
    block = ast.parse(f"if True:\n{indent}{after}").body[0]
    return block.body if isinstance(block, ast.If) else []


def together(view: CellView, drafts: Sequence[Draft]) -> Advice | None:
    """Several drafts as one piece of advice: the text from the first line changed to the last."""
    ordered = sorted(drafts, key=lambda draft: draft.lines.start)
    try:
        source = apply_advice(view.trace.source, view.trace.first_line, [each.advice for each in ordered])
    except NpmemError:
        return None
    first, last = ordered[0].suggestion.first.node, ordered[-1].suggestion.last.node
    start = _offset(view, first.lineno, first.col_offset)
    end = _offset(view, last.end_lineno or 0, last.end_col_offset or 0)
    before, after = view.trace.source[start:end], source[start : len(source) - (len(view.trace.source) - end)]
    names = " + ".join(dict.fromkeys(draft.advice.rule for draft in ordered))
    why = " ".join(dict.fromkeys(draft.advice.why for draft in ordered))
    advice = Advice(names, first.lineno, before, after, 0, ordered[0].advice.keeps, "measured", why)
    return advice if _fits(view, advice, source) else None


def _fits(view: CellView, advice: Advice, source: str) -> bool:
    try:
        return apply_advice(view.trace.source, view.trace.first_line, [advice]) == source
    except NpmemError:
        return False


def _offset(view: CellView, line: int, column: int) -> int:
    lines = view.trace.source.split("\n")
    at = line - view.trace.first_line
    return sum(len(each) + 1 for each in lines[:at]) + len(lines[at].encode()[:column].decode())


def changes(drafts: Iterator[Draft] | Sequence[Draft]) -> set[str]:
    """The names that drafts give up."""
    return {name for draft in drafts for name in draft.suggestion.gives_up}
