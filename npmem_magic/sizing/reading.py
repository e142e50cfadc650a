"""What the text of a question means: a shape with a dtype, or an expression over the user's names."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..host import NpmemError
from ..standins import Array, Evaluation, Known, Unknown, from_object, work_out

_SIDES = re.compile(r"[\d\s_.eE+*/()\[\]x×X,^-]+")
_NAMES = ("bool", "datetime64", "timedelta64", "longdouble", "complex64", "complex128", "float16", "float32", "float64",
          "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")  # fmt: skip


def read(text: str, names: Mapping[str, object]) -> Evaluation:
    """A shape and perhaps a dtype, or an expression."""
    if not text:
        raise NpmemError("There is nothing to size. Write %memsize 3075200x512 float32, or an expression.")
    sides, asked = _split_dtype(text)
    if asked is not None and not _SIDES.fullmatch(sides) and _is_expression(text):
        sides, asked = text, None  # ``x * a``: NumPy 1.26 takes 'a' for a dtype
    if _SIDES.fullmatch(sides) and re.search(r"\d", sides):
        return Evaluation(Array(checked(_sides(sides)), asked or np.dtype(float)))
    evaluation = work_out(_tree(sides, text), lambda path: from_object(names[path]) if path in names else None)
    value = evaluation.value
    numbers = value.value if isinstance(value, Known) else None
    if type(numbers) in (tuple, list) and numbers and all(isinstance(each, (int, np.integer)) for each in numbers):
        return Evaluation(Array(checked(tuple(numbers)), asked or np.dtype(float)))
    if isinstance(numbers, (int, np.integer)) and not isinstance(numbers, bool):
        return Evaluation(Array(checked((int(numbers),)), asked or np.dtype(float)))
    if asked is not None and isinstance(value, Array):
        evaluation.value = Array(value.shape, asked)
    return evaluation


def _tree(text: str, whole: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        last = whole.split()[-1]
        close = difflib.get_close_matches(last, _NAMES, 1)
        if len(whole.split()) > 1 and re.fullmatch(r"[A-Za-z]\w*", last):
            more = f" Did you mean {close[0]}?" if close else ""
            raise NpmemError(f"{last!r} is no dtype that NumPy knows.{more}") from None
        raise NpmemError(
            f"{whole!r} is neither a shape nor an expression. Write 3075200x512 float32, or an expression of NumPy "
            "such as np.zeros((1000, 256), np.uint16)."
        ) from None


def _is_expression(text: str) -> bool:
    try:
        ast.parse(text, mode="eval")
    except (SyntaxError, ValueError):
        return False
    return True


def _split_dtype(text: str) -> tuple[str, np.dtype[Any] | None]:
    """The text without its last word where that is a dtype; the dtype."""
    head, _, last = text.rpartition(" ")
    if not head.strip() or not re.fullmatch(r"(np\.|numpy\.)?[<>=|]?[A-Za-z][\w\[\]]*", last):
        return text, None
    try:
        return head, np.dtype(last.removeprefix("np.").removeprefix("numpy."))
    except (TypeError, ValueError):
        return text, None


def _sides(text: str) -> tuple[int, ...]:
    """The sides of ``14*10*(30*60)*24x512x512``: arithmetic of whole numbers between the crosses (or commas)."""
    text = text.strip()
    while text[:1] in "([" and text[-1:] in ")]" and _closes_last(text):
        text = text[1:-1].strip()
    parts = [part for part in re.split(r"[x×X,]", text) if part.strip()]
    if not parts:
        raise NpmemError("The shape has no side. Write 3075200x512, or (3075200, 512).")
    return tuple(_whole(part.strip()) for part in parts)


def _closes_last(text: str) -> bool:
    depth = 0
    for place, char in enumerate(text):
        depth += (char in "([") - (char in ")]")
        if not depth:
            return place == len(text) - 1
    return False


def _whole(text: str) -> int:
    try:
        value = work_out(ast.parse(text.replace("^", "**"), mode="eval").body, lambda path: None).value
    except (SyntaxError, ValueError):
        raise NpmemError(f"{text!r} is no number, so it can be no side of a shape.") from None
    number = value.value if isinstance(value, Known) else None
    if isinstance(value, Unknown):
        raise NpmemError(f"The side {text!r} is not a number to work with: {value.why}.")
    if not isinstance(number, (int, float)) or number != number // 1:
        raise NpmemError(f"The side {text} is {number!r}, and a side is a whole number.")
    return int(number)


def checked(shape: tuple[int, ...]) -> tuple[int, ...]:
    wrong = next((side for side in shape if side < 0), None)
    if wrong is not None:
        raise NpmemError(f"The side {wrong} is negative; a side of a shape is 0 or more.")
    if len(shape) > 64:
        raise NpmemError(f"The shape has {len(shape)} sides, and NumPy knows arrays of up to 64 dimensions.")
    return tuple(map(int, shape))


def as_dtype(dtype: Any) -> np.dtype[Any]:
    """`dtype` as NumPy's; NpmemError where it is none."""
    try:
        found: np.dtype[Any] = np.dtype(dtype)
        return found
    except (TypeError, ValueError):
        close = difflib.get_close_matches(str(dtype), _NAMES, 1)
        more = f" Did you mean {close[0]}?" if close else ""
        raise NpmemError(f"{dtype!r} is no dtype that NumPy knows.{more}") from None
