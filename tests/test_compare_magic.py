"""``%%memcompare`` as a guest: what it binds, what it leaves alone, errors where they belong, options."""

from __future__ import annotations

import gc
import re
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from npmem_magic.compare import rounds
from npmem_magic.compare.comparison import Comparison
from npmem_magic.limits import Memory

SETUP = "import numpy as np\nx = np.ones(100_000)"
B = 800_000


@pytest.fixture(autouse=True)
def no_garbage() -> None:
    """What earlier tests left would be freed in the middle of a run, and the bytes would count."""
    gc.collect()


@pytest.fixture
def shell(ip: InteractiveShell) -> InteractiveShell:
    ip.run_cell(SETUP, store_history=True)
    return ip


def run(shell: InteractiveShell, cell: str) -> tuple[Any, str, str]:
    """The result, what it wrote and what it complained."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        result = shell.run_cell(cell, store_history=True)
    return result, out.getvalue(), err.getvalue()


def names(shell: InteractiveShell) -> set[str]:
    return {name for name in shell.user_ns if not name.startswith("_")}


# What must be left alone


def test_only_the_set_up_binds_names(shell: InteractiveShell) -> None:
    before, x = names(shell), shell.user_ns["x"]
    cell = "%%memcompare -q -o c\nk = 3\n# variant: a\ny = x * k\nx[:] = 0\ny\n# variant: b\nx *= k\ndef f(): pass\nx"
    result, out, err = run(shell, cell)
    assert (out, err, result.result, result.success) == ("", "", None, True)
    assert names(shell) - before == {"k", "c"} and shell.user_ns["x"] is x and x.all()
    assert set(shell.user_ns["Out"]) == set() and shell.user_ns["k"] == 3
    found = shell.user_ns["c"]
    assert isinstance(found, Comparison) and found.labels == ("a", "b")
    assert [B <= found.traces["a"].peak <= B + 16, found.traces["b"].peak <= 16] == [True, True]
    assert [cost.line for cost in found.traces["b"].lines if cost.hits] == [8, 9, 10]


def test_other_cells_and_line_magics_are_left_alone(shell: InteractiveShell) -> None:
    magics = shell.magics_manager.registry["CompareMagics"]
    for cell in ([], ["x = 1\n"], ["%%memcomparer\n", "x = (\n"], ["%memcompare a b\n"], ["%%memtrace\n", "x = 1\n"]):
        assert magics.prepare(cell) == cell


def test_unloading_takes_it_away(shell: InteractiveShell) -> None:
    shell.run_line_magic("unload_ext", "npmem_magic")
    assert "memcompare" not in {**shell.magics_manager.magics["line"], **shell.magics_manager.magics["cell"]}
    assert not [each for each in shell.input_transformer_manager.line_transforms if "Magics" in repr(each)]


# Errors


def test_an_error_of_the_set_up_ends_the_cell(shell: InteractiveShell) -> None:
    result, out, _ = run(shell, "%%memcompare\nk = 1\n1 / 0\n# variant: a\nran = 1\n# variant: b\nran = 2")
    assert isinstance(result.error_in_exec, ZeroDivisionError) and "----> 3 1 / 0" in out
    assert shell.user_ns["k"] == 1 and "peak" not in out


def test_an_error_of_one_variant_is_shown_and_does_not_fail_the_cell(shell: InteractiveShell) -> None:
    result, out, _ = run(shell, "%%memcompare\n# variant: a\nr = x * 2\n# variant: b\nx.nothing")
    assert result.success and "b: Stopped on line 5 by AttributeError" in out
    assert out.startswith("a peaks at 781.3 KiB; b raised\n") and "Traceback" not in out


def test_when_all_raise_the_cell_fails_as_the_first_did(shell: InteractiveShell) -> None:
    result, out, _ = run(shell, "%%memcompare\n# variant: a\n\n1 / 0\n# variant: b\nx.nothing")
    assert isinstance(result.error_in_exec, ZeroDivisionError) and "----> 4 1 / 0" in out
    assert out.index("Stopped on line 4 by ZeroDivisionError") < out.index("Traceback")
    assert "npmem_magic" not in out.split("Traceback")[1]


@pytest.mark.parametrize(
    "broken", ["k = = 1\n# variant: a\nx\n# variant: b\nx", "k = 1\n# variant: a\nx\n# variant: b\nk = = 1"]
)
def test_a_syntax_error_comes_before_anything_runs(shell: InteractiveShell, broken: str) -> None:
    line = broken.split("\n").index("k = = 1") + 2
    result, out, _ = run(shell, "%%memcompare\n" + broken)
    assert isinstance(result.error_before_exec, SyntaxError) and f"line {line}" in out
    assert "k" not in shell.user_ns


def test_an_interrupt_stops_everything(shell: InteractiveShell) -> None:
    result, out, _ = run(shell, "%%memcompare -o c\n# variant: a\nraise KeyboardInterrupt\n# variant: b\nprint('ran')")
    assert isinstance(result.error_in_exec, KeyboardInterrupt) and "ran" not in out.split("KeyboardInterrupt")[0]
    assert "c" not in shell.user_ns


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "two are needed"),
        ("-r 0", "not a number of times"),
        ("-r many", "not a number of times"),
        ("-o 1x", "not a name"),
        ("--names a,b,c", "3 names were given for 2 variants"),
        ("--names a,a", "Two variants have the name 'a'"),
        ("label", "takes no labels above a cell"),
        ("--nonsense", "unrecognized"),
    ],
)
def test_wrong_options_lose_nothing(shell: InteractiveShell, line: str, words: str) -> None:
    body = "ran = 1\n# variant: a\nx" + ("\n# variant: b\nx" if line else "")
    _, out, err = run(shell, f"%%memcompare {line}\n{body}")
    assert err.startswith("UsageError: ") and words in err and "Traceback" not in out
    assert "ran" not in shell.user_ns


def test_no_room_for_copies(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "memory", lambda: Memory(2**40, B, "machine"))
    cell = "# variant: a\nx[:] = 0\n# variant: b\nr = x.sum()"
    _, _, err = run(shell, "%%memcompare -q\n" + cell)
    assert err.startswith("UsageError: What the variants read takes 781.") and "--no-copy" in err
    assert shell.user_ns["x"].all() and "r" not in shell.user_ns
    result, out, _ = run(shell, "%%memcompare --no-copy\n" + cell)
    assert result.success and shell.user_ns["r"] == 0
    assert "Not a fair comparison: a changed x" in out.replace("\n", " ")


# What it does


def test_names_and_repeats(shell: InteractiveShell) -> None:
    run(shell, "%%memcompare -q -o c -r 3 --names first,second\n# variant: a\nx + 1\n# variant:\nx + 1")
    found = shell.user_ns["c"]
    assert found.labels == ("first", "second") and found.repeat == 3
    run(shell, "%%memcompare -q -o c\n# variant:\nx + 1\n# variant:\nx + 1\n# variant: a\nx")
    assert shell.user_ns["c"].labels == ("a", "b", "a (2)")


def test_magics_and_shell_lines_in_a_variant_see_the_copies(shell: InteractiveShell) -> None:
    cell = (
        "%%memcompare -q -o c\n# variant: a\n%time x[:] = 5\no = !echo hello\nr = x.sum(), o[0]\n"
        "# variant: b\nx[:] = 5\nr = x.sum(), 'hello'"
    )
    result, _, err = run(shell, cell)
    assert result.success and err == "" and (shell.user_ns["x"] == 1).all() and "o" not in shell.user_ns
    assert shell.user_ns["c"].equal["b"].verdict == "same bits", shell.user_ns["c"].traces["a"].error


def test_functions_of_a_variant_see_the_copies(shell: InteractiveShell) -> None:
    defined = "def f():\n    global x, new\n    x = x + 1\n    new = x.sum()\nf()\nr = new"
    run(shell, f"%%memcompare -q -o c\n# variant: a\n{defined}\n# variant: b\nx += 1\nr = x.sum()")
    assert shell.user_ns["c"].equal["b"].verdict == "same bits", shell.user_ns["c"].traces["a"].error
    assert (shell.user_ns["x"] == 1).all() and "new" not in shell.user_ns


def test_a_variant_may_await(shell: InteractiveShell) -> None:
    cell = (
        "%%memcompare -q -o c\nimport asyncio\n# variant: a\nawait asyncio.sleep(0)\nr = x + x\n# variant: b\nr = x * 2"
    )
    result, _, _ = run(shell, cell)
    assert result.success and shell.user_ns["c"].equal["b"].verdict == "same bits"
    assert shell.user_ns["c"].traces["a"].peak == B


def test_a_multi_line_string_holds_no_variant(shell: InteractiveShell) -> None:
    cell = '%%memcompare -q -o c\ns = """\n# variant: no\n"""\n# variant: a\nlen(s)\n# variant: b\nlen(s)'
    run(shell, cell)
    assert shell.user_ns["c"].labels == ("a", "b") and shell.user_ns["c"].equal["b"].verdict == "same bits"


def test_kept_traces(shell: InteractiveShell) -> None:
    assert "No trace was kept" in run(shell, "%memcompare")[1]
    run(shell, "%%memtrace -q -l one\nr = x * x")
    run(shell, "%%memtrace -q -l 'number two'\nx *= x")
    listed = run(shell, "%memcompare")[1]
    assert re.search(r"one: peak 781.2 KiB\n  number two: peak 0 bytes", listed)
    out = run(shell, "%memcompare -o c one 'number two'")[1]
    assert "number two peaks lowest" in out and "these runs are over" in out
    assert shell.user_ns["c"].repeat == 0 and shell.user_ns["c"].traces["one"].peak == B
    assert "no trace with the label 'three'" in run(shell, "%memcompare one three")[2]
    assert "Two variants have the name 'one'" in run(shell, "%memcompare one one")[2]
