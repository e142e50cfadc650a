"""Facts about names at each line's first run, and numeric accidents by line: right, and without a trace."""

from __future__ import annotations

import asyncio
import sys
import threading
import warnings
import weakref
from typing import Any

import numpy as np
import pytest
from test_upcasts import run

from npmem_magic.record import ledger
from npmem_magic.record.accidents import Accident
from npmem_magic.record.facts import Noted, fact_of, names_written, paths_bound, paths_read
from npmem_magic.standins import Array

needs_lines = pytest.mark.skipif(
    ledger.choose()[0].name == "pure" and sys.version_info < (3, 12), reason="the pure ledger tells of no line on 3.11"
)


@pytest.fixture(autouse=True)
def error_state() -> Any:
    state, call = np.geterr(), np.geterrcall()
    yield
    assert (np.geterr(), np.geterrcall()) == (state, call)


def noted(code: str, **names: Any) -> dict[tuple[str, int], Noted]:
    recording, _ = run(code, **names)
    assert recording.outcome.error is None, recording.outcome.error
    return {(each.function, each.line): each for each in recording.beside.facts}


# Facts


def test_the_facts_of_an_array() -> None:
    x = np.zeros((3, 4), np.float32)
    fact = fact_of(x.T[1:])
    assert isinstance(fact.value, Array) and fact.value.shape == (3, 3)
    assert (fact.dtype, fact.nbytes, fact.owner_nbytes) == (np.float32, 36, 48)
    assert fact.address == x.__array_interface__["data"][0] and fact.writeable
    assert fact_of(np.asfortranarray(np.zeros((3, 4)))).order == "F"
    assert (fact_of(3).type_name, fact_of(3).dtype) == ("int", None)


@needs_lines
def test_what_is_read_and_bound() -> None:
    seen = noted("x = np.zeros(3)\ny = x * 2\nx = np.zeros(9, 'f4')\nz = y + x[:3]\n")
    assert seen["<module>", 2].before["x"].dtype == np.float64
    assert seen["<module>", 4].before["x"].nbytes == 36
    assert seen["<module>", 3].after["x"].nbytes == 36
    assert seen["<module>", 4].after["z"].dtype == np.float64


@needs_lines
def test_the_first_run_counts() -> None:
    seen = noted("x = np.zeros(1)\nfor k in range(3):\n    x = np.concatenate([x, x])\ny = x")
    assert seen["<module>", 3].before["x"].nbytes == 8
    assert seen["<module>", 4].before["x"].nbytes == 64


@needs_lines
def test_locals_of_functions() -> None:
    seen = noted("def f(a, k=2):\n    b = a * k\n    def g():\n        return b + a\n    return g()\nr = f(np.ones(5))")
    assert seen["f", 2].before["a"].nbytes == 40 and seen["f", 2].before["k"].type_name == "int"
    assert seen["g", 4].before["b"].nbytes == 40


@needs_lines
def test_paths() -> None:
    class Model:
        def __init__(self) -> None:
            self.w = np.zeros(4)

    seen = noted("y = m.w + d['k'] + rows[1]", m=Model(), d={"k": np.zeros(4)}, rows=[0, np.zeros(4)])
    facts = seen["<module>", 1].before
    assert [facts[path].nbytes for path in ("m.w", "d['k']", "rows[1]")] == [32, 32, 32]


@needs_lines
def test_no_reference_is_left_behind() -> None:
    code = """
    def f():
        x = np.ones(9)
        seen.append(weakref.ref(x))
        y = x[0]
        del x
        seen.append(seen[0]() is None)
        return y
    f()
    big = np.ones(9)
    other = big
    count = sys.getrefcount(big)
    del big, other
    """
    seen: list[Any] = []
    recording, namespace = run(code, seen=seen, weakref=weakref, sys=sys)
    assert recording.outcome.error is None and seen[1] is True
    assert namespace["count"] == 3  # two names and the call's argument


@needs_lines
def test_threads_and_generators_and_async() -> None:
    code = """
    def work(x):
        y = x * 2
        return y
    def gen(x):
        for k in range(2):
            yield x + k
    async def wait(x):
        z = x + 1
        await asyncio.sleep(0)
        return z
    t = threading.Thread(target=work, args=(np.ones(3),))
    t.start()
    t.join()
    r = [each for each in gen(np.ones(4))]
    s = await wait(np.ones(5))
    """
    seen = noted(code, threading=threading, asyncio=asyncio)
    assert seen["work", 2].before["x"].nbytes == 24
    assert seen["gen", 6].before["x"].nbytes == 32
    assert seen["wait", 8].before["x"].nbytes == 40


def test_statements_say_what_they_read_bind_and_write() -> None:
    import ast

    statement = ast.parse("a.b, c[0], (d) = np.add(x.y, z['k'], out=w), q").body[0]
    assert {"x.y", "z['k']", "w", "q"} <= set(paths_read(statement))
    assert set(paths_bound(statement)) == {"a.b", "c[0]", "d"}
    assert set(names_written(ast.parse("x[1:] = 0").body[0])) == {"x"}
    assert set(names_written(ast.parse("x.y += 1").body[0])) == {"x"}
    assert set(names_written(ast.parse("np.add(a, b, out=c)").body[0])) == {"c"}


# Accidents


def accidents(code: str, **names: Any) -> dict[int, list[tuple[str, int]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        recording, _ = run(code, **names)
    found: dict[int, list[tuple[str, int]]] = {}
    for each in recording.beside.accidents:
        assert isinstance(each, Accident)
        found.setdefault(each.line, []).append((each.what, each.count))
    return found


def test_nothing_went_wrong() -> None:
    assert accidents("x = np.ones(3) / 2\ny = np.sqrt(x)") == {}


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("np.exp(np.float32([1000]))", "overflow encountered in exp"),
        ("np.ones(2) / np.zeros(2)", "divide by zero encountered in divide"),
        ("np.log(-np.ones(2))", "invalid value encountered in log"),
        ("np.exp(np.float32([-100])) * np.float32(1e-30)", "underflow encountered in"),
        ("np.array([np.nan]).astype(int)", "invalid value encountered in cast"),
        ("np.float32(3e38) * np.float32(10)", "overflow encountered in"),
        ("np.array([1e300]).astype('f4')", "overflow encountered in cast"),
    ],
)
def test_accidents_by_line(code: str, what: str) -> None:
    found = accidents(f"x = 1\n\ny = {code}")
    assert list(found) == [3] and any(what in words for words, _ in found[3])


def test_accidents_are_counted_and_placed_in_functions() -> None:
    found = accidents("def f(x):\n    return x / 0\nfor k in range(5):\n    f(np.ones(3))\n")
    assert found == {2: [("divide by zero encountered in divide", 5)]}


def test_the_warning_is_still_seen_where_it_was() -> None:
    code = "x = np.ones(2)\ny = x / 0\n"
    with warnings.catch_warnings(record=True) as plain:
        warnings.simplefilter("always")
        exec(compile(code, "<plain>", "exec"), {"np": np})
    with warnings.catch_warnings(record=True) as watched:
        warnings.simplefilter("always")
        run(code)
    assert [(str(w.message), w.category, w.lineno) for w in watched] == [
        (str(w.message), w.category, w.lineno) for w in plain
    ]


def test_what_was_ignored_stays_unseen() -> None:
    with warnings.catch_warnings(record=True) as watched, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        recording, _ = run("y = np.ones(2) / 0")
    assert watched == [] and [each.line for each in recording.beside.accidents] == [1]


def test_what_raises_raises() -> None:
    with np.errstate(divide="raise"):
        recording, _ = run("y = np.ones(2) / 0")
    assert isinstance(recording.outcome.error, FloatingPointError)


def test_a_function_of_the_users_is_left_alone() -> None:
    called: list[str] = []
    with np.errstate(all="call", call=lambda kind, flag: called.append(kind)):
        recording, _ = run("y = np.ones(2) / 0")
    assert called == ["divide by zero"] and recording.beside.accidents == ()
    assert any("function of yours" in note for note in recording.trace.notes)


def test_errstate_inside_the_cell() -> None:
    found = accidents("with np.errstate(all='ignore'):\n    y = np.ones(2) / 0\nz = np.ones(2) / 0")
    assert found == {3: [("divide by zero encountered in divide", 1)]}


def test_after_an_error_the_state_is_back() -> None:
    recording, _ = run("y = np.ones(2) / 0\nraise KeyError")
    assert isinstance(recording.outcome.error, KeyError) and len(recording.beside.accidents) == 1


def test_noting_that_fails_leaves_the_cell_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from npmem_magic.record import notice

    def fail(*args: object) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(notice, "facts_at", fail)
    recording, namespace = run("x = np.ones(3)\ny = x + 1\nz = y")
    assert recording.outcome.error is None and namespace["z"][0] == 2
    assert recording.beside.facts == ()


@needs_lines
def test_noting_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from npmem_magic.record import notice

    monkeypatch.setattr(notice, "paths_read", lambda statement: 1 / 0)
    recording, _ = run("x = np.ones(3)\ny = x + 1")
    assert "were noted up to line 1 only (ZeroDivisionError" in recording.beside.trouble
