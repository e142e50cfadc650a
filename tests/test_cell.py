"""A cell runs as its language runs it. One test for each column of the table of how other tools get it wrong."""

from __future__ import annotations

import asyncio
import functools
import linecache
import traceback
from types import CodeType
from typing import Any

import pytest

from npmem_magic.cell import Call, Cell, Outcome, ends_with_semicolon
from npmem_magic.follow import find_function, function_of, nested_codes
from npmem_magic.host import NpmemError
from npmem_magic.language import PlainPython


def cell(source: str, names: dict[str, Any] | None = None, **options: Any) -> Cell:
    return Cell.from_source(source, PlainPython(), {} if names is None else names, **options)


def error_of(outcome: Outcome) -> BaseException:
    assert outcome.error is not None
    return outcome.error


def lines_of(error: BaseException) -> list[tuple[str, int | None, str | None]]:
    return [(each.name, each.lineno, each.line) for each in traceback.extract_tb(error.__traceback__)]


# The columns of the table


def test_means_are_the_tree_not_a_template() -> None:
    names: dict[str, Any] = {}
    assert cell("def f():\n    return 1\nx = f()\nx", names).run() == Outcome(1)
    assert names["x"] == 1
    assert names["f"].__qualname__ == "f"


def test_last_value_comes_back() -> None:
    assert cell("1\n2").run().value == 2
    assert cell("1\nx = 2").run().value is None
    assert cell("2;").run().value is None


@pytest.mark.parametrize("first_line", [1, 2, 7])
def test_line_numbers_are_the_editor_s(first_line: int) -> None:
    outcome = cell("x = 1\n\n1 / 0", first_line=first_line).run()
    assert lines_of(error_of(outcome)) == [("<module>", first_line + 2, "1 / 0")]


def test_multi_line_strings_stay() -> None:
    assert cell('s = """a\nb\n  c"""\ns', first_line=2).run().value == "a\nb\n  c"


@pytest.mark.parametrize(
    "error", [ValueError("v"), KeyboardInterrupt(), SystemExit(2), GeneratorExit(), StopIteration(3)]
)
def test_error_comes_back_as_it_is(error: BaseException) -> None:
    outcome = cell("x = 1\nraise error\ny = 2", names := {"error": error}).run()
    assert outcome.error is error
    assert "x" in names
    assert "y" not in names


# The rest of what a cell promises


def test_traceback_begins_in_user_code() -> None:
    outcome = cell("def f():\n    1 / 0\nf()").run()
    assert [name for name, _, _ in lines_of(error_of(outcome))] == ["<module>", "f"]


def test_source_is_known_to_linecache() -> None:
    work = cell("x = 1\ny = 2\n", first_line=2)
    assert linecache.getline(work.filename, 3) == "y = 2\n"
    linecache.checkcache()
    assert linecache.getline(work.filename, 3) == "y = 2\n"


def test_same_text_takes_no_more_room() -> None:
    assert cell("a = 1").filename == cell("a = 1").filename != cell("a = 2").filename


def test_syntax_error_before_anything_runs() -> None:
    with pytest.raises(SyntaxError) as caught:
        cell("x = 1\ny = = 2", first_line=2)
    assert caught.value.lineno == 3
    assert caught.value.text == "y = = 2\n"


def test_what_does_not_compile_has_no_traceback() -> None:
    outcome = cell("x = 1\nreturn 5").run()
    assert isinstance(outcome.error, SyntaxError)
    assert outcome.error.__traceback__ is None


def test_future_in_the_middle_holds_afterwards() -> None:
    source = "x = 1\nfrom __future__ import annotations\ndef f(a: Unknown): pass\nf.__annotations__"
    assert cell(source).run().value == {"a": "Unknown"}


@pytest.mark.parametrize(
    ("text", "silent"),
    [
        ("x;", True),
        ("x ; # c", True),
        ("x;\n\n# c\n", True),
        ("x", False),
        ("x # ;", False),
        ("';'", False),
        ("", False),
    ],
)
def test_semicolon(text: str, silent: bool) -> None:
    assert ends_with_semicolon(text + "\n") is silent


@pytest.mark.parametrize(
    ("text", "awaits"),
    [
        ("await f()", True),
        ("async for x in y:\n    pass", True),
        ("[x async for x in y]", True),
        ("async def f():\n    await g()", False),
        ("awaits = 1", False),
        ("'await'", False),
        ("return\nasync with x:\n    pass", True),
    ],
)
def test_is_async(text: str, awaits: bool) -> None:
    assert cell(text).is_async is awaits


def test_await_without_and_inside_a_loop() -> None:
    source = "import asyncio\nawait asyncio.sleep(0, 'v')"
    assert cell(source).run().value == "v"

    async def inside() -> tuple[Outcome, Outcome]:
        return await cell(source).run_async(), cell(source).run()

    awaited, refused = asyncio.run(inside())
    assert awaited.value == "v"
    assert isinstance(refused.error, NpmemError)


def test_cancelled() -> None:
    outcome = cell("import asyncio\nawait asyncio.sleep(0)\nraise asyncio.CancelledError").run()
    assert isinstance(outcome.error, asyncio.CancelledError)


def test_own_functions_are_followed() -> None:
    names: dict[str, Any] = {"__name__": "n"}
    earlier = cell("def f(): pass\nclass A:\n    def m(self): pass", names)
    earlier.run()
    assert earlier.filename in cell("f()", names).followed_files
    assert linecache.__file__ not in cell("f()", names | {"g": linecache.getline}).followed_files


def test_follow_takes_nested_codes() -> None:
    names: dict[str, Any] = {}
    cell("def f():\n    return [i for i in range(3)], lambda: 0", names).run()
    codes = cell("f()", names, follow=[names["f"]]).followed_codes
    assert names["f"].__code__ in codes
    assert "<lambda>" in {code.co_name for code in codes}


# Calls


def double(x: int, y: int = 0) -> int:
    """Twice the sum."""
    return 2 * (x + y)


class Doubler:
    def __call__(self, x: int) -> int:
        return double(x)

    def method(self, x: int) -> int:
        return double(x)


@pytest.mark.parametrize(
    ("func", "args", "code"),
    [
        (double, (2,), double.__code__),
        (functools.partial(double, y=0), (2,), double.__code__),
        (Doubler().method, (2,), Doubler.method.__code__),
        (Doubler(), (2,), Doubler.__call__.__code__),
        (functools.lru_cache(double), (2,), double.__code__),
    ],
)
def test_call_of_python(func: Any, args: tuple[Any, ...], code: CodeType) -> None:
    call = Call.from_callable(func, args, {})
    assert call.run() == Outcome(4)
    assert code in call.followed_codes
    assert (call.source, call.first_line) == (f"{code.co_name}(*args)\n", 1)
    assert linecache.getline(call.filename, 1) == call.source


@pytest.mark.parametrize(
    ("func", "args", "shown"), [(len, ("ab",), "len"), ("ab".upper, (), "upper"), (dict, (), "dict")]
)
def test_call_without_python_code(func: Any, args: tuple[Any, ...], shown: str) -> None:
    call = Call.from_callable(func, args, {})
    assert call.run().value == func(*args)
    assert call.source == f"{shown}({'*args' if args else ''})\n"
    assert call.filename in {code.co_filename for code in call.followed_codes}


def test_call_that_fails_and_call_that_awaits() -> None:
    def fails() -> None:
        raise ValueError("v")

    async def waits() -> int:
        await asyncio.sleep(0)
        return 3

    assert [name for name, _, _ in lines_of(error_of(Call.from_callable(fails).run()))] == ["<module>", "fails"]
    assert Call.from_callable(waits).run().value == 3
    assert isinstance(error_of(Call.from_callable(double).run()), TypeError)


# Names of functions to follow


def test_find_function() -> None:
    assert find_function("double", {"double": double}) is double
    assert find_function("d.method", {"d": Doubler}) is Doubler.method
    assert find_function("linecache.getline", {}) is linecache.getline
    assert function_of(find_function("numpy.median", {})) is not None


@pytest.mark.parametrize(
    ("name", "words"),
    [("nothing", "not found"), ("os.nothing", "not found"), ("len", "not found"), ("math.sin", "written in Python"),
     ("a b", "not found"), ("collections.OrderedDict", "a class"), ("", "not found"), ("no_such.module", "not found")],
)  # fmt: skip
def test_find_function_says_why_not(name: str, words: str) -> None:
    with pytest.raises(NpmemError, match=words):
        find_function(name, {})


def test_nested_codes_of_a_class() -> None:
    code = compile("class A:\n    def m(self):\n        return [lambda: 0]", "f", "exec")
    assert {"<module>", "A", "m", "<lambda>"} <= {each.co_name for each in nested_codes(code)}
