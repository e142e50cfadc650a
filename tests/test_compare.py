"""Variants from the same start: known peaks, verdicts on the results, and nothing of the user's touched."""

from __future__ import annotations

import gc
import random
import sys
from functools import partial
from typing import Any

import numpy as np
import pytest

import npmem_magic
from npmem_magic import NpmemError, analyze_memory, compare
from npmem_magic.compare import rounds
from npmem_magic.compare.comparison import Comparison
from npmem_magic.compare.starts import no_collection
from npmem_magic.compare.variants import split
from npmem_magic.limits import Memory
from npmem_magic.record import ledger

N = 500_000
B = 8 * N  # bytes of one array


@pytest.fixture(params=["native", "pure"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(ledger.VARIABLE, request.param)
    return str(request.param)


def near(value: int, expected: int, engine: str = "native") -> bool:
    return value == expected if engine == "native" else abs(value - expected) <= max(1 << 18, expected // 100)


SCALAR = 8  # bytes of a sum, which is an array for a moment


def given(**more: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {"np": np, "x": rng.random(N), "y": rng.random(N), "two": np.float64(2), "__name__": "__main__", **more}


def weigh(*variants: Any, names: dict[str, Any] | None = None, **how: Any) -> Comparison:
    return compare(*variants, namespace=given() if names is None else names, sampler="off", **how)


def peaks(comparison: Comparison) -> list[int]:
    return [trace.peak for trace in comparison.traces.values()]


# What must be left alone


def test_the_users_variables_are_not_touched() -> None:
    names = given(kept=[1], count=0)
    before, keys, x = names["x"].copy(), list(names), names["x"]
    np.random.seed(1)
    random.seed(1)
    states = np.random.get_state()[1].tolist(), random.getstate()  # type: ignore[index]
    weigh(
        "x *= 2\nkept.append(np.random.rand())\ncount += 1\nnew = 1",
        "del x\nkept.clear()\nimport random\nrandom.random()",
        names=names,
    )
    assert list(names) == keys and names["x"] is x and (x == before).all()
    assert names["kept"] == [1] and names["count"] == 0
    assert states == (np.random.get_state()[1].tolist(), random.getstate())  # type: ignore[index]


def test_copies_are_gone_afterwards() -> None:
    names = given()
    count = sys.getrefcount(names["x"])
    code = "def f(a): return a * len(x)\ny = f(x)\nmark = 20_212"  # a function and the names it reads hold each other
    gc.collect()
    with no_collection():
        weigh(code, code, names=names)
        left = [each for each in gc.get_objects() if type(each) is dict and each.get("mark") == 20_212 and "f" in each]
    after = sys.getrefcount(names["x"])
    assert (left, after) == ([], count)


def test_the_comparison_adds_no_bytes_to_a_variant() -> None:
    assert peaks(weigh("pass", "x", "x.sum();")) == [0, 0, 0] or peaks(weigh("pass", "x", "pass")) == [0, 0, 0]
    found = weigh("z = x + y", "z = x + y\ndel z")
    alone = npmem_magic.trace("z = x + y", namespace=given(), sampler="off")
    assert peaks(found) == [alone.peak] * 2 == [B, B]
    assert [trace.net for trace in found.traces.values()] == [B, 0]


# Known truth


def test_in_place(engine: str) -> None:
    found = weigh("x = x * y", "x *= y")
    assert near(peaks(found)[0], B, engine) and near(peaks(found)[1], 0, engine)
    assert found.equal["b"].verdict == "same bits" and found.equal["b"].compared == ("x",)
    assert near(found.traces["a"].net, 0, engine) and near(found.traces["a"].gross, B, engine)


def test_numbers_that_numpy_wraps_are_counted_too() -> None:
    found = weigh("x = x * 2", "x *= 2")
    assert B <= peaks(found)[0] <= B + 16 and peaks(found)[1] <= 16


@pytest.mark.parametrize(
    ("first", "second", "verdict", "words"),
    [
        ("r = x*2*3*4 + 1", "r = x*(2*3*4 + 1)", "differs", "r[0]"),
        ("r = x*2*3*4 + 1", "r = x*(2*3*4) + 1", "same bits", ""),
        ("r = x*3*5 + 1", "r = x*(3*5) + 1", "close", "largest difference"),
        ("r = x[x > .5]", "r = x.copy()\nr[x <= .5] = 0", "differs", "shape"),
        ("r = np.where(x > .5, x, 0)", "r = x.copy()\nr[x <= .5] = 0", "same bits", ""),
        ("r = x.astype(np.float32)", "r = x.astype(np.float32, copy=False)", "same bits", ""),
        ("r = x + 1", "r = x.astype(np.float32) + 1", "dtype differs", "float64 / float32"),
        ("r = x[::2] * 2", "r = x[::2].copy()\nr *= 2", "same bits", ""),
        ("r = np.random.rand(3)", "import numpy\nr = numpy.random.rand(3)", "same bits", ""),
        ("import random\nr = random.random()", "import random\nr = random.random()", "same bits", ""),
        ("r = rng.random(3)", "rng.random(1)\nr = rng.random(3)", "differs", "r[0]"),
        ("x[0] = 5\nr = x.sum()", "x[0] = 5\nr = x.sum()", "same bits", ""),
        ("x[0] = 5", "pass", "differs", "x[0]: 5.0 / 0.63"),
        ("x + 1", "x + 2", "differs", "the last expression[0]"),
        ("a = 1", "b = 1", "not compared", "no name and no last expression in common"),
        ("a = [x, {'k': 1}]", "a = [x, {'k': 2}]", "differs", "a[1]['k']: 1 / 2"),
    ],
)
def test_verdicts(first: str, second: str, verdict: str, words: str) -> None:
    found = weigh(first, second, names=given(rng=np.random.default_rng(3)))
    assert found.equal["b"].verdict == verdict, found.equal["b"]
    assert words in str(found.equal["b"]) and found.equal["a"].verdict == "same bits"


def test_a_strided_slice_and_a_contiguous_copy() -> None:
    found = weigh("r = x[::2] * two", "c = np.ascontiguousarray(x[::2])\nr = c * two\ndel c")
    assert found.equal["b"].verdict == "same bits"
    assert B // 2 <= peaks(found)[0] <= B // 2 + 16 and B <= peaks(found)[1] <= B + 16


def test_mask_and_mask_assignment() -> None:
    found = weigh("r = np.where(x > two, x, y)", "r = y.copy()\nm = x > two\nr[m] = x[m]\ndel m")
    assert found.equal["b"].verdict == "same bits"
    assert B + N == peaks(found)[0] <= peaks(found)[1] <= B + N + 16


def test_numexpr() -> None:
    pytest.importorskip("numexpr")
    found = weigh("r = 2 * x + 3 * y - 1", "import numexpr as ne\nr = ne.evaluate('2 * x + 3 * y - 1')")
    assert found.equal["b"].verdict in ("same bits", "close")
    assert abs(peaks(found)[0] - 2 * B) <= 64 and B <= peaks(found)[1] <= B + 64


def test_a_variant_that_changes_its_input_does_not_reach_the_next() -> None:
    found = weigh("x[:] = 0\nr = x.sum()", "r = x.sum()", "r = x.sum()", repeat=2)
    assert [each.verdict for each in found.equal.values()] == ["same bits", "differs", "differs"]
    assert found.traces["b"].error is None and not found.warnings


def test_views_of_one_array_stay_views_of_one_array() -> None:
    names = given()
    names["half"] = names["x"][::2]
    found = weigh("x[:] = 1\nr = half.sum()", "half[:] = 1\nr = half.sum()", names=names)
    assert found.equal["b"].verdict == "differs" and found.equal["b"].where == "x"
    assert peaks(found)[1] <= 16


def test_who_shares_memory_is_told() -> None:
    found = weigh("r = x[::2]", "r = x[::2].copy()")
    assert found.equal["b"].verdict == "same bits"
    assert "`r` and `x` share memory only in the first" in found.equal["b"].remarks


def test_functions_of_the_notebook_work_on_copies(engine: str) -> None:
    names = given()
    exec("def add(a):\n    global x\n    x = x * y\n    return a", names)
    found = weigh("add(1)\nr = x.sum()", "x *= y\nr = x.sum()", names=names)
    assert found.equal["b"].verdict == "same bits" and near(peaks(found)[0], B, engine)
    assert names["x"][0] == given()["x"][0]


# Errors


def test_a_variant_that_raises_is_shown_and_the_others_run() -> None:
    found = weigh("r = x * 2", "r = x * 2\nx.nothing", "r = x + x")
    assert found.traces["b"].error is not None and "nothing" in found.traces["b"].error
    assert [each.verdict for each in found.equal.values()] == ["same bits", "not compared", "same bits"]
    assert "AttributeError" in found.equal["b"].why


def test_when_the_first_raises_nothing_is_compared() -> None:
    found = weigh("1 / 0", "r = 1", "r = 1")
    assert [each.why for each in found.equal.values()] == [
        "it raised ZeroDivisionError",
        *["the first variant raised"] * 2,
    ]


def test_an_interrupt_ends_it_all() -> None:
    names = given()
    with pytest.raises(KeyboardInterrupt):
        weigh("x[:] = 0\nraise KeyboardInterrupt", "x", names=names)
    assert names["x"].any()


def test_inputs_too_large_to_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "memory", lambda: Memory(2**40, B, "machine"))
    names = given()
    with pytest.raises(NpmemError, match=r"7.6 MiB, and 3.8 MiB of memory are free. Nothing has run.*--no-copy"):
        weigh("x[:] = 0", "x[:] = 1", names=names)
    assert names["x"].any()
    found = weigh("r = x.sum()", "r = x.sum()", names=names, copy=False)
    assert found.equal["b"].verdict == "same bits" and not found.warnings


def test_what_cannot_be_copied_is_told_before_anything_runs() -> None:
    names = given(lines=sys.stdout)
    with pytest.raises(NpmemError, match=r"No copy can be made of `lines`.*Nothing has run"):
        weigh("x[:] = 0", "next(lines)", names=names)
    assert names["x"].any()


def test_without_copies_a_change_is_told() -> None:
    names = given()
    found = weigh("x[:] = 0", "r = x.sum()", names=names, copy=False)
    assert "Not a fair comparison: a changed x" in found.warnings[0]
    assert found.equal["b"].verdict == "not compared" and names["r"] == 0


@pytest.mark.parametrize(
    ("variants", "how", "words"),
    [
        (["x"], {"labels": ["a", "b"]}, "2 names were given for 1 variant"),
        (["x", "y"], {"labels": ["a", "a"]}, "Two variants have the name 'a'"),
        (["x", 5], {}, "5 is neither source text nor"),
        (["x", "y"], {"repeat": 0}, "0 repeats"),
    ],
)
def test_what_makes_no_sense_is_refused(variants: list[Any], how: dict[str, Any], words: str) -> None:
    with pytest.raises(NpmemError, match=words):
        weigh(*variants, **how)


def test_syntax_errors_come_before_anything_runs() -> None:
    names = given()
    with pytest.raises(SyntaxError):
        weigh("x[:] = 0", "x = (", names=names, copy=False)
    assert names["x"].any()


# Repeats


def test_repeats_alternate_and_agree() -> None:
    order: list[str] = []
    names = given(note=lambda name: None)
    found = weigh("print('a')\nr = x + y", "print('b')\nr = x + y", names=names, repeat=3)
    assert found.repeat == 3 and not found.warnings and not order
    low, high = (getattr(found.spreads["a"]["seconds"], end) for end in ("low", "high"))
    assert low <= found.traces["a"].seconds <= high
    assert found.spreads["a"]["peak"].low == found.spreads["a"]["peak"].high == B
    table = found.to_pandas()
    assert list(table.index) == ["a", "b"] and list(table["peak"]) == [B, B]
    assert {"net", "gross", "resident_peak", "seconds", "equal", "seconds_low", "peak_high"} <= set(table.columns)


def test_turns_go_forward_and_backward(capsys: pytest.CaptureFixture[str]) -> None:
    weigh("print('a')", "print('b')", "print('c')", repeat=2)
    assert capsys.readouterr().out.split() == ["a", "b", "c", "c", "b", "a"]


def test_figures_that_are_not_the_same_each_time_are_told() -> None:
    import itertools

    counter = itertools.count(1)
    found = weigh(
        "r = np.zeros(1000 * step())", "r = 1", names=given(step=partial(next, counter)), repeat=2, copy=False
    )
    assert "The peak of a was not the same each time: 8,000 to 16,000 bytes." in found.warnings


# Callables


def double(a: np.ndarray) -> float:
    b = a * a
    return float(b.sum())


def in_place(a: np.ndarray) -> float:
    a *= a
    return float(a.sum())


def test_callables_start_from_copies(engine: str) -> None:
    x = np.full(N, 2.0)
    found = weigh(partial(double, x), partial(in_place, x), names={})
    assert found.labels == ("double", "in_place") and near(peaks(found)[0], B + SCALAR, engine)
    assert (x == 2).all() and found.equal["in_place"].where == "argument 1"
    assert found.equal["in_place"].compared == ("the last expression",)
    lines = {cost.line for cost in found.traces["double"].lines if cost.function == "double" and cost.hits}
    first = double.__code__.co_firstlineno
    assert lines == {first + 1, first + 2}


def test_functions_of_a_notebook_find_its_names() -> None:
    notebook: dict[str, Any] = {"__name__": "__main__", "np": np, "size": N}
    exec("def whole():\n    return np.zeros(size)\ndef half():\n    return np.zeros(size // 2)", notebook)
    found = weigh(notebook["whole"], notebook["half"], names={})
    assert [trace.error for trace in found.traces.values()] == [None, None]
    assert peaks(found) == [B, B // 2]


def test_callables_without_lines_and_with_one_name() -> None:
    found = weigh(partial(np.zeros, N), partial(np.zeros, 2 * N), lambda: np.ones(3), names={})
    assert found.labels == ("zeros", "zeros (2)", "c")
    assert peaks(found)[:2] == [B, 2 * B]
    assert found.traces["zeros"].source == "zeros()\n"


def test_methods_and_keywords() -> None:
    class Model:
        def __init__(self) -> None:
            self.w = np.zeros(N)

        def step(self, by: float = 1.0) -> None:
            self.w += by

    model = Model()
    found = weigh(model.step, partial(model.step, by=2.0), names={})
    assert not model.w.any() and found.equal["step (2)"].where.startswith("self")


def test_analyze_memory_shares_arguments_and_tells(capsys: pytest.CaptureFixture[str], engine: str) -> None:
    x = np.full(N, 2.0)
    found = analyze_memory(partial(double, x), partial(in_place, x), partial(double, x), partial(np.ones, 1_000_000))
    assert isinstance(found, Comparison) and (x == 4).all()
    assert found.labels == ("double", "in_place", "double (2)", "ones")
    assert found.warnings == (
        "Not a fair comparison: in_place changed argument 1, so what ran later started from other values.",
    )
    assert near(peaks(found)[0], B + SCALAR, engine) and near(peaks(found)[1], SCALAR, engine)
    assert abs(peaks(found)[3] - 8_000_000) <= (64 if engine == "native" else 1 << 18)
    assert "in_place" in capsys.readouterr().out
    figure = found.plot()
    assert figure.get_size_inches()[1] > 6


def test_analyze_memory_of_one_function_is_a_trace(capsys: pytest.CaptureFixture[str]) -> None:
    found = analyze_memory(partial(double, np.ones(N)), interval=0.001)
    assert isinstance(found, npmem_magic.Trace) and found.peak == B + SCALAR
    assert capsys.readouterr().out.startswith("Peak 3.8 MiB above the start, in double")
    with pytest.raises(ZeroDivisionError):
        analyze_memory(lambda: 1 / 0)
    with pytest.raises(NpmemError, match="No function was given"):
        analyze_memory()


# The text of a cell


def test_a_cell_is_split_at_its_separators() -> None:
    first, second = 'a = """\n# variant: no\n"""\n', 'b = f"""\n# variant: {1}\n"""\n'
    body = f"import numpy\n# variant: first one\n{first}#VARIANT:  b  \n{second}"
    setup, sections = split(body, 2)
    assert (setup.source, setup.first_line) == ("import numpy\n", 2)
    assert [(each.name, each.first_line) for each in sections] == [("first one", 4), ("b", 8)]
    assert [each.source for each in sections] == [first, second]


@pytest.mark.parametrize("body", ["", "x", "# variant: a\nx", "s = '''\n# variant: a\n# variant: b\n'''"])
def test_less_than_two_variants(body: str) -> None:
    with pytest.raises(NpmemError, match=r"two are needed.*# variant: in place"):
        split(body, 2)
