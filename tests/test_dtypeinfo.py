# ruff: noqa: E501  a cell a line reads best
"""`%dtypeinfo` and `%%dtypeinfo` in a shell: what they show, bind, expect and refuse."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from test_facts import needs_lines
from test_upcasts import run

import npmem_magic
from npmem_magic.arrays import find_arrays
from npmem_magic.inspection import Inspection, Snapshot, crosswise_of, inspect, parse_expectations, unmet
from npmem_magic.render import sheets
from npmem_magic.render.arrays import Device
from npmem_magic.render.arrays import describe as describe_arrays

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def np_shell(ip: InteractiveShell) -> Iterator[InteractiveShell]:
    ip.run_cell("import numpy as np")
    yield ip


def shown(shell: InteractiveShell, cell: str, capsys: Capture) -> str:
    """What the cell prints, each run of white space as one space."""
    capsys.readouterr()
    shell.run_cell(textwrap.dedent(cell).strip("\n"), store_history=True)
    seen = capsys.readouterr()
    return " ".join((seen.out + seen.err).split())


def seen_of(code: str, **names: Any) -> tuple[Inspection, dict[str, Any]]:
    """The inspection of a run of `code`."""
    before = Snapshot({"np": np, **names})
    recording, namespace = run(code, **names)
    return inspect(recording, before, namespace), namespace


# The namespace


def test_nothing_there(np_shell: InteractiveShell, capsys: Capture) -> None:
    assert shown(np_shell, "%dtypeinfo", capsys) == "No array was found among the names."


def test_a_view_a_closure_and_an_output(np_shell: InteractiveShell, capsys: Capture) -> None:
    np_shell.run_cell(
        "x = np.zeros(1000)\ny = x[::2]\ndef outer():\n    held = x\n    return lambda: held\nf = outer()"
    )
    np_shell.run_cell("x", store_history=True)
    text = shown(np_shell, "%dtypeinfo", capsys)
    assert "7.8 KiB in 2 arrays" in text and "1 buffer " in text
    assert ("view of x" in text and "held in the closure of f" in text) or "and 3 more" in text
    found = {info.name: info for info in find_arrays(np_shell.user_ns)}
    assert {"y", "Out[1]", "_", "held in the closure of f"} <= set(found["x"].holders)


def test_what_only_a_stored_traceback_holds_is_a_row(np_shell: InteractiveShell, capsys: Capture) -> None:
    shown(np_shell, "def f():\n    lost = np.zeros(1000)\n    raise ValueError\nf()", capsys)
    text = shown(np_shell, "%dtypeinfo", capsys)
    assert "7.8 KiB in 1 array" in text and "lost in f, kept by the stored traceback of ValueError" in text


def test_what_only_a_closure_holds_is_a_row(np_shell: InteractiveShell, capsys: Capture) -> None:
    np_shell.run_cell("def outer():\n    held = np.zeros(1000)\n    return lambda: held\nf = outer()")
    assert "held in the closure of f" in shown(np_shell, "%dtypeinfo", capsys)


def test_one_name_and_what_it_binds(np_shell: InteractiveShell, capsys: Capture) -> None:
    np_shell.run_cell("x = np.zeros(1000, int)\ny = np.ones(5)")
    text = shown(np_shell, "%dtypeinfo -o found x", capsys)
    assert "7.8 KiB in 1 array below x" in text and "bool holds every value" in text
    (info,) = np_shell.user_ns["found"]
    assert info.name == "x" and info.smallest_dtype == np.bool_
    assert shown(np_shell, "%dtypeinfo -q y", capsys) == ""


def test_no_such_name(np_shell: InteractiveShell, capsys: Capture) -> None:
    np_shell.run_cell("apple = np.zeros(3)")
    text = shown(np_shell, "%dtypeinfo aple", capsys)
    assert "UsageError: There is no name 'aple' here. Names there are: apple" in text


def test_names_inside_a_function(np_shell: InteractiveShell, capsys: Capture) -> None:
    assert "local" in shown(np_shell, "def f():\n    local = np.zeros(9)\n    %dtypeinfo\nf()", capsys)


def test_expectations_of_a_namespace(np_shell: InteractiveShell, capsys: Capture) -> None:
    np_shell.run_cell("x = np.zeros(3)\ny = np.zeros(3, 'f4')\ni = np.zeros(3, int)")
    assert "ExpectationError: x is float64, not float32." in shown(np_shell, "%dtypeinfo -q --expect float32", capsys)
    assert shown(np_shell, "%dtypeinfo -q --expect y=float32,i<=int64", capsys) == ""


def test_on_a_gpu() -> None:
    found = find_arrays({"x": np.zeros(2**20)})
    text = sheets.text(describe_arrays(found, [Device("Big", 2**34, 2**33), Device("Small", 2**23, 2**22)]))
    text = " ".join(text.split())
    assert "all of it fits on Big (8.0 GiB of 16.0 GiB free)" in text
    assert "all of it does not fit on Small (4.0 MiB of 8.0 MiB free)" in text
    assert "no GPU was found" in " ".join(sheets.text(describe_arrays(found, [])).split())


# The cell


@needs_lines
def test_what_a_cell_made_and_where_it_grew(np_shell: InteractiveShell, capsys: Capture) -> None:
    np_shell.run_cell("old = np.zeros(77)\nchanged = np.zeros(10**5, np.float32)")
    text = shown(
        np_shell,
        """
        %%dtypeinfo
        a = np.ones(100_000, np.float32)
        n = np.arange(100_000)
        b = a * 2 + n
        changed[:] = 1
        """,
        capsys,
    )
    assert "4 arrays made or changed" in text and "dtypes grew in 1 expression, 390.6 KiB more than needed" in text
    assert "line 4 grew to float64, 390.6 KiB more" in text and "+ a * 2 + n.astype(np.float32)" in text
    assert " old " not in text
    assert npmem_magic.last is not None and npmem_magic.last.peak > 0


def test_it_answers_with_the_cell_s_value_and_binds(np_shell: InteractiveShell, capsys: Capture) -> None:
    assert "Out[1]: 42" in shown(np_shell, "%%dtypeinfo -q -o seen\nx = np.zeros(5)\n42", capsys)
    assert isinstance(np_shell.user_ns["seen"], Inspection)
    assert [info.name for info in np_shell.user_ns["seen"].arrays] == ["x"]


def test_an_error_comes_after_the_report(np_shell: InteractiveShell, capsys: Capture) -> None:
    text = shown(np_shell, "%%dtypeinfo\nx = np.zeros(1000)\n1 / 0", capsys)
    assert text.index("Stopped on line 3 by ZeroDivisionError") < text.index("Traceback")


@needs_lines
def test_expect_fails_the_cell_and_names_the_line(np_shell: InteractiveShell, capsys: Capture) -> None:
    cell = "%%dtypeinfo -q --expect float32\na = np.ones(10, np.float32)\nn = np.arange(10)\nb = a * n\nc = b + 1\nd = a * 2"
    result = np_shell.run_cell(cell)
    message = str(result.error_in_exec)
    assert not result.success and isinstance(result.error_in_exec, npmem_magic.NpmemError)
    assert "b is float64, not float32, since line 4: a * n (int64 with float32 gives float64" in message
    assert "c is float64, not float32, since line 4" in message and "d is" not in message
    assert np_shell.user_ns["d"].dtype == np.float32  # nothing is lost


def test_expect_met_is_silent(np_shell: InteractiveShell, capsys: Capture) -> None:
    assert (
        shown(
            np_shell, "%%dtypeinfo -q --expect x=float32,y<=float32\nx = np.ones(3, 'f4')\ny = np.ones(3, 'f2')", capsys
        )
        == ""
    )


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        ("flot32", "no dtype that NumPy knows. Did you mean float32"), ("x=", "nothing to expect"),
        ("a b c", "nothing to expect"), ("nothing_like_it", "no dtype"),
    ],
)  # fmt: skip
def test_nonsense_to_expect(np_shell: InteractiveShell, capsys: Capture, expect: str, words: str) -> None:
    np_shell.run_cell("ran = 0")
    assert words in shown(np_shell, f"%%dtypeinfo --expect '{expect}'\nran = 1", capsys)
    assert np_shell.user_ns["ran"] == 0


@needs_lines
def test_expectations_one_by_one() -> None:
    seen, namespace = seen_of("x = np.ones(3)\ny = np.ones(3, 'i4')\nz = np.float64(3)", w=np.ones(3, "f4"))
    assert unmet(parse_expectations("float64"), seen, namespace) == ()
    assert unmet(parse_expectations("y<=int64,z=float64,w=float32"), seen, namespace) == ()
    assert unmet(parse_expectations("y=int64"), seen, namespace) == (
        "y is int32, not int64, since line 2: y = np.ones(3, 'i4').",
    )
    assert unmet(parse_expectations("<=float32"), seen, namespace) == (
        "x is float64, not at most float32, since line 1: x = np.ones(3).",
    )
    assert "no array called q" in unmet(parse_expectations("q=float32"), seen, namespace)[0]


# Accidents, casts, and loops across the grain


@needs_lines
def test_accidents_are_shown_by_line(np_shell: InteractiveShell, capsys: Capture) -> None:
    text = shown(
        np_shell,
        "%%dtypeinfo\nimport warnings\nwarnings.simplefilter('ignore')\nx = np.exp(np.float32([1000]))",
        capsys,
    )
    assert "Numeric accidents" in text and "4 overflow encountered in exp ×1" in text


@needs_lines
def test_casts_that_lost_values() -> None:
    seen, _ = seen_of(
        "y = x.astype(np.int8)\nz = w.astype(int)", x=np.array([0.5, 1.0, 300.0, np.nan]), w=np.arange(5.0)
    )
    lost = [each for each in seen.mishaps if "cast to" in each.what]
    assert [(each.line, each.count) for each in lost] == [(1, 3)]
    assert (
        "1 of 4 values lost their fraction (up to 0.5)" in lost[0].what
        and "2 of 4 values have no place in it" in lost[0].what
    )


@needs_lines
@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("y = k.astype(np.uint8)", "744 of 1,000 values wrapped around"),
        ("y = k.astype(np.int64)", ""),
        (
            "y = (k / 2).astype(np.uint8)",
            "488 of 1,000 values have no place in it, 256 of 1,000 values lost their fraction (up to 0.5)",
        ),
        ("y = (k - w * top).astype(np.uint16)", "999 of 1,000 values have no place in it"),
        ("y = (k[::2] / 2).astype(np.uint8)", ""),
        ("top = 4\ny = (k * top).astype(np.uint16)\ntop = 100", ""),
    ],
)
def test_casts_of_integers_and_of_arithmetic(cell: str, told: str) -> None:
    seen, _ = seen_of(cell, k=np.arange(1000, dtype=np.uint16), w=np.arange(1000.0), top=3)
    lost = "".join(each.what for each in seen.mishaps if "cast to" in each.what)
    assert told in lost and bool(told) == bool(lost)


@needs_lines
def test_a_cast_of_what_was_changed_since_is_not_judged() -> None:
    seen, _ = seen_of("y = x.astype(int)\nx += 0.5", x=np.arange(5.0))
    assert seen.mishaps == ()


class Ticking:
    """A clock that makes the first of two runs, each timed three times, ten times slower."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        run, is_end = (self.calls - 1) // 6 % 2, self.calls % 2 == 0
        return (self.calls // 2 * 10_000) + (1000 if run == 0 else 100) * is_end - 10_000 * is_end


@needs_lines
@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("m = A.max(axis=0)", 1), ("m = np.cumsum(A, axis=0)", 1), ("m = A.T.copy()\nk = F.max(axis=1)", 2),
        ("for j in range(A.shape[1]):\n    s = A[:, j].sum()", 1),
    ],
)  # fmt: skip
def test_runs_across_the_grain(code: str, line: int) -> None:
    recording, namespace = run(code, A=np.ones((600, 500)), F=np.asfortranarray(np.ones((600, 500))))
    found = crosswise_of(recording.beside.facts, recording.text, namespace, Ticking())
    assert [each.line for each in found] == [line]
    assert (found[0].slow_ns, found[0].fast_ns) == (1000, 100) and found[0].price == 600 * 500 * 8
    assert found[0].other == ("np.ascontiguousarray" if found[0].array == "F" else "np.asfortranarray")


@needs_lines
@pytest.mark.parametrize("code", ["m = A.max(axis=1)", "m = A.max()", "m = F.max(axis=0)", "m = small.max(axis=0)",
                                  "for i in range(600):\n    s = A[i].sum()", "m = v.max(axis=0)"])  # fmt: skip
def test_runs_along_the_grain(code: str) -> None:
    names = {
        "A": np.ones((600, 500)),
        "F": np.asfortranarray(np.ones((600, 500))),
        "small": np.ones((5, 5)),
        "v": np.ones(10**6),
    }
    recording, namespace = run(code, **names)
    assert crosswise_of(recording.beside.facts, recording.text, namespace, Ticking()) == ()


def test_a_report_that_fails_leaves_the_value(
    np_shell: InteractiveShell, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from npmem_magic import asking

    def fail(*args: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(asking, "inspect", fail)
    text = shown(np_shell, "%%dtypeinfo\n42", capsys)
    assert "Out[1]: 42" in text and "The report could not be made (RuntimeError: broken)" in text


def test_unloading_takes_them_away(ip: InteractiveShell) -> None:
    for name in ("dtypeinfo", "memsize"):
        assert ip.find_line_magic(name)
    ip.run_line_magic("unload_ext", "npmem_magic")
    for name in ("dtypeinfo", "memsize"):
        assert ip.find_line_magic(name) is None
    ip.extension_manager.load_extension("npmem_magic")
