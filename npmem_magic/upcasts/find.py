"""Goes through the statements in the order they first ran, and finds the expressions that grew."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..record.facts import Fact, Noted, fact_of, stands_for
from ..standins import Array, Evaluation, Unknown, Value, parse, work_out
from ..syntax import CELL, Text
from .growth import Case, Growth, Operand, case_of, words
from .reasons import Reason, default_maker, reason_of

_Scope = tuple[str, str]  # file, function
_NUMPY = fact_of(np)  # rewrites say np., whatever the cell calls it


@dataclass
class _Names:
    """What is known of one function's names: those that hold what grew, and those made with a default dtype."""

    grown: dict[str, int] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """Every expression that grew, in the order they first ran; what only carries a grown array on is left out.

    `behind` says for a name of the cell's top level which growth its dtype comes from.
    """

    growths: tuple[Growth, ...]
    behind: Mapping[str, Growth]


def find(notes: Sequence[Noted], text: Callable[[str], Text]) -> Found:
    """Where dtypes grew in the statements that were noted."""
    finder = _Finder(text)
    growths = tuple(finder.run(notes))
    return Found(growths, {name: growths[at] for name, at in finder.top_level().items() if at < len(growths)})


class _Finder:
    def __init__(self, text: Callable[[str], Text]) -> None:
        self._text = text
        self._names: dict[_Scope, _Names] = {}
        self._found: list[Growth] = []

    def run(self, notes: Sequence[Noted]) -> list[Growth]:
        waiting: list[tuple[Noted, str, int]] = []  # statements whose value is a call that is not followed
        for noted in notes:
            scope = noted.filename, noted.function
            done = [each for each in waiting if (each[0].filename, each[0].function) == scope]
            waiting = [each for each in waiting if each not in done]
            for each in done:
                self._after_call(*each)
            for statement in self._text(noted.filename).starting.get(noted.line, ()):
                target = self._statement(noted, statement)
                if target:
                    waiting.append((noted, target, len(self._found)))
        for each in waiting:
            self._after_call(*each)
        return self._found

    def top_level(self) -> dict[str, int]:
        """The names of the cell itself that hold something grown, with the number of its growth."""
        found: dict[str, int] = {}
        for (_, function), names in self._names.items():
            if function == "<module>":
                found.update(names.grown)
        return found

    def _after_call(self, noted: Noted, target: str, known: int) -> None:
        """What a call gave has grown if it has the dtype of something that grew inside."""
        fact = noted.after.get(target)
        inside = {growth.result for growth in self._found[known:]}
        names = self._of((noted.filename, noted.function))
        if fact is not None and fact.dtype in inside:
            names.grown[target] = known

    def _of(self, scope: _Scope) -> _Names:
        return self._names.setdefault(scope, _Names())

    def _statement(self, noted: Noted, statement: ast.stmt) -> str:
        """Look at one statement; answers the name it binds where its value could not be worked out."""
        names = self._of((noted.filename, noted.function))
        target, value = _bound(statement)
        before = len(self._found)
        evaluation = Evaluation(Unknown(""))
        carried: int | None = None
        for tree in _expressions(statement):
            evaluation = work_out(tree, lambda path: stands_for(noted.before, path))
            found = self._expression(noted, evaluation, names)
            carried = found if carried is None else carried
        if isinstance(statement, ast.AugAssign) or not target or value is None:
            return ""
        names.grown.pop(target, None)
        names.made.pop(target, None)
        result = evaluation.parts.get(value, Unknown(""))
        if maker := default_maker(value):
            names.made[target] = f"{target} was made by np.{maker} on line {statement.lineno}"
        number = carried if carried is not None else before if len(self._found) > before else None
        if number is not None and isinstance(result, Array) and result.dtype == self._found[number].result:
            names.grown[target] = number
        if isinstance(result, Unknown):
            self._pandas(noted, statement, target)
            return target
        return ""

    def _expression(self, noted: Noted, evaluation: Evaluation, names: _Names) -> int | None:
        """Find what grew inside; answers the number of an earlier growth that is carried on."""
        carried: int | None = None
        grown: list[ast.expr] = []
        for node in evaluation.parts:
            case = case_of(node, evaluation.parts)
            if case is None:
                carried = _carried(node, evaluation.parts, names) if carried is None else carried
                continue
            source, origin = self._source(noted), _origin(names)
            reason = reason_of(case, source, origin)
            if reason.culprit is not None and (_is_grown(reason.culprit, names) or _inside(reason.culprit, grown)):
                continue
            grown.append(node)
            self._found.append(self._growth(noted, case, reason, source))
        return carried

    def _source(self, noted: Noted) -> Callable[[ast.expr], str]:
        text = self._text(noted.filename)

        def source(node: ast.expr) -> str:
            last, end = node.end_lineno or node.lineno, node.end_col_offset or 0
            return text.expression(node.lineno, node.col_offset, last, end)

        return source

    def _growth(self, noted: Noted, case: Case, reason: Reason, source: Callable[[ast.expr], str]) -> Growth:
        node = case.node
        extra = case.result.nbytes - case.result.size * _kept(case).itemsize
        return Growth(
            function=CELL if noted.function == "<module>" else noted.function,
            line=node.lineno,
            col=node.col_offset,
            end_line=node.end_lineno or node.lineno,
            end_col=node.end_col_offset or 0,
            source=source(node),
            operands=tuple(Operand(source(each), words(value)) for each, value in case.operands),
            result=case.result.dtype,
            shape=case.result.shape,
            wanted=case.wanted,
            extra=extra,
            rule=reason.sentence,
            after=_rewritten(case, reason, source, noted.before),
        )

    def _pandas(self, noted: Noted, statement: ast.stmt, target: str) -> None:
        """An integer or bool column that came out as float64 or object: missing values did that."""
        after = noted.after.get(target)
        before = {path: fact for path, fact in noted.before.items() if fact.type_name in ("Series", "Index")}
        if after is None or after.type_name != "Series" or not isinstance(after.dtype, np.dtype):
            return
        whole = [(path, fact) for path, fact in before.items() if _is_whole(fact.dtype)]
        if not whole or after.dtype.kind not in "fO":
            return
        path, fact = whole[0]
        nullable = (
            "boolean" if getattr(fact.dtype, "kind", "") == "b" else str(fact.dtype).capitalize().replace("Ui", "UI")
        )
        text = self._text(noted.filename)
        end, end_col = statement.end_lineno or statement.lineno, statement.end_col_offset or 0
        self._found.append(Growth(
            function=CELL if noted.function == "<module>" else noted.function,
            line=statement.lineno, col=statement.col_offset, end_line=end, end_col=end_col,
            source=text.expression(statement.lineno, statement.col_offset, end, end_col),
            operands=(Operand(path, f"Series of {fact.dtype}"),),
            result=after.dtype, shape=(), wanted=np.dtype(str(fact.dtype)), extra=0,
            rule=f"pandas has no missing value for {fact.dtype}, so the column became {after.dtype}; the nullable "
            f"{nullable!r} keeps it.",
            after=f'{path} = {path}.astype("{nullable}")',
        ))  # fmt: skip


def _is_whole(dtype: object) -> bool:
    return isinstance(dtype, np.dtype) and dtype.kind in "iub"


def _kept(case: Case) -> np.dtype[np.generic]:
    """What an element would have taken: the main operand's bytes."""
    return np.dtype(np.complex64) if case.wanted.kind == "c" else case.main.dtype


def _origin(names: _Names) -> Callable[[ast.expr], str]:
    return lambda node: names.made.get(ast.unparse(node), "")


def _is_grown(node: ast.expr, names: _Names) -> bool:
    """Whether a part of the tree is a name that holds what has grown before."""
    return any(
        ast.unparse(each) in names.grown for each in ast.walk(node) if isinstance(each, (ast.Name, ast.Attribute))
    )


def _inside(node: ast.expr, grown: list[ast.expr]) -> bool:
    return any(each in grown for each in ast.walk(node))


def _carried(node: ast.expr, parts: Mapping[ast.expr, Value], names: _Names) -> int | None:
    if isinstance(node, ast.Name) and isinstance(parts.get(node), Array):
        return names.grown.get(node.id)
    return None


def _bound(statement: ast.stmt) -> tuple[str, ast.expr | None]:
    match statement:
        case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=value) if isinstance(
            target, (ast.Name, ast.Attribute, ast.Subscript)
        ):
            return ast.unparse(target), value
    return "", None


def _expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """The expressions that run when the statement (the head of a compound one) does."""
    match statement:
        case ast.Assign(value=value) | ast.Expr(value=value) | ast.AugAssign(value=value):
            yield value
        case ast.AnnAssign(value=value) | ast.Return(value=value) if value is not None:
            yield value
        case ast.For(iter=value) | ast.While(test=value) | ast.If(test=value) | ast.Assert(test=value):
            yield value
        case ast.With(items=items):
            yield from (item.context_expr for item in items)


def _is_bracketed(text: str, start: int, end: int) -> bool:
    """Whether the part stands in brackets of its own, which are no call's."""
    before = text[: start - 1].rstrip()[-1:] if start else ""
    return text[start - 1 : start] == "(" and text[end : end + 1] == ")" and not (before.isalnum() or before in ")]_")


def _rewritten(case: Case, reason: Reason, source: Callable[[ast.expr], str], facts: Mapping[str, Fact]) -> str:
    """The expression with the reason's edits, if NumPy agrees that it then has the dtype that was wanted."""
    if not reason.edits:
        return ""
    node, new = reason.edits[0]
    text = source(case.node)
    if node is case.node:
        after = new
    elif "\n" in text or not text.isascii():
        return ""
    else:
        start = node.col_offset - case.node.col_offset
        end = start + (node.end_col_offset or 0) - node.col_offset
        if new.startswith("(") and _is_bracketed(text, start, end):
            start, end = start - 1, end + 1
        after = text[:start] + new + text[end:]
    try:
        made = work_out(parse(after), lambda path: stands_for({"np": _NUMPY, **facts}, path)).value
    except SyntaxError:
        return ""
    return after if isinstance(made, Array) and made.dtype.itemsize < case.result.dtype.itemsize else ""
