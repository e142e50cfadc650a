"""prove: what is proven, what is no gain, what differs, and what is not run at all."""

from __future__ import annotations

import builtins
import gc
import random
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from npmem_magic.compare import proof, prove
from npmem_magic.compare.proof import Verdict
from npmem_magic.limits import Memory
from npmem_magic.record import ledger

N = 1_000_000
B = 8 * N  # bytes of one array


@pytest.fixture(params=["native", "pure"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(ledger.VARIABLE, request.param)
    return str(request.param)


def near(value: int, expected: int, engine: str = "native") -> bool:
    """Exact but for the numbers that NumPy wraps into arrays of one item; for the pure ledger as it promises."""
    return 0 <= value - expected <= 64 if engine == "native" else abs(value - expected) <= max(1 << 18, expected // 100)


def given(**more: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {"np": np, "x": rng.random(N), "y": rng.random(N), "__name__": "__main__", **more}


# What must be left alone


def test_nothing_of_the_namespace_is_changed() -> None:
    kept = [1]
    names = given(kept=kept, k=1)
    x, before, keys = names["x"], names["x"].copy(), list(names)
    prove("x = x * 2\nkept.append(2)\nk = 2\nnew = 1", "x *= 2\nkept.append(2)\nk = 2\nnew = 1\nx[:] = 0", names)
    assert list(names) == keys and names["x"] is x and (x == before).all() and kept == [1] and names["k"] == 1


def test_random_states_warnings_and_the_collector_are_as_before() -> None:
    np.random.seed(5)
    random.seed(5)
    states = np.random.get_state()[1].tolist(), random.getstate(), list(warnings.filters), gc.isenabled()  # type: ignore[index]
    verdict = prove("r = np.random.rand(3)", "r = np.random.rand(3) / 1", {"np": np})
    assert verdict.equality is not None and verdict.equality.verdict == "same bits"
    assert states == (np.random.get_state()[1].tolist(), random.getstate(), list(warnings.filters), gc.isenabled())  # type: ignore[index]


def test_a_proof_leaves_no_buffer_alive() -> None:
    names = given()
    count = sys.getrefcount(names["x"])
    prove("x = x * 2", "x *= 2", names)
    after = sys.getrefcount(names["x"])
    assert after == count


# Known truth


def test_in_place(engine: str) -> None:
    verdict = prove("x = x * y", "x *= y", given())
    assert verdict.kind == "PROVEN" and verdict.before and verdict.after and verdict.equality
    assert near(verdict.before.peak, B, engine) and near(verdict.after.peak, 0, engine)
    assert near(verdict.saving, B, engine) and verdict.equality.verdict == "same bits"
    if engine == "native":
        assert (verdict.before.peak, verdict.after.peak) == (B, 0)
        assert (verdict.before.net, verdict.after.net) == (0, 0)


def test_what_stays_bound_counts(engine: str) -> None:
    verdict = prove("z = x + y\nz = z * 2", "z = x + y\nz *= 2", given())
    assert verdict.kind == "PROVEN" and verdict.before and verdict.after
    assert near(verdict.before.peak, 2 * B, engine) and near(verdict.after.peak, B, engine)
    assert near(verdict.after.net, B, engine)


@pytest.mark.parametrize(
    ("before", "after", "equality", "peaks"),
    [
        ("r = x[x > 0.5]", "r = x[np.flatnonzero(x > 0.5)]", "same bits", None),
        ("y = np.where(x > 0.5, 0, x)", "y = x.copy()\ny[x > 0.5] = 0", "same bits", (B + N, B)),
        ("r = x[::2] * 2", "r = x[::2].copy()\nr *= 2", "same bits", (B // 2, B // 2)),
        ("r = np.sqrt(x * x + y * y)", "r = np.hypot(x, y)", "close", (2 * B, B)),
        ("r = np.exp(x)", "r = x.copy()\nnp.exp(r, out=r)", "same bits", (B, B)),
        ("r = (x - x.mean()) ** 2", "r = x - x.mean()\nr **= 2", "same bits", (B, B)),
    ],
)
def test_results_and_peaks(before: str, after: str, equality: str, peaks: tuple[int, int] | None) -> None:
    verdict = prove(before, after, given())
    assert verdict.equality and verdict.before and verdict.after
    assert verdict.equality.verdict == equality, verdict
    if peaks is not None:
        assert near(verdict.before.peak, peaks[0]) and near(verdict.after.peak, peaks[1]), verdict
        assert verdict.kind == ("PROVEN" if peaks[1] < peaks[0] - 64 else "NO_GAIN") or verdict.saving > 0


def test_float32_that_is_one_already(engine: str) -> None:
    names = {"np": np, "x": np.ones(N, np.float32)}
    verdict = prove("r = x.astype(np.float32) + 1", "r = x.astype(np.float32, copy=False) + 1", names)
    assert verdict.kind in ("PROVEN", "NO_GAIN") and verdict.equality and verdict.equality.verdict == "same bits"
    verdict = prove("r = x.astype(np.float32)", "r = x.astype(np.float32, copy=False)", names)
    assert verdict.kind == "PROVEN" and near(verdict.saving, 4 * N, engine)
    assert verdict.remarks == ("`r` and `x` share memory only here",), "a view is not a copy, and that is told"


def test_numexpr_as_it_is() -> None:
    ne = pytest.importorskip("numexpr")
    verdict = prove("r = 2 * x + 3 * y - 1", "r = ne.evaluate('2 * x + 3 * y - 1')", given(ne=ne))
    assert verdict.kind == "PROVEN" and verdict.equality
    assert verdict.equality.verdict in ("same bits", "close") and near(verdict.saving, B)


# Other results


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("r = x*2*3*4 + 1", "r = x*(2*3*4 + 1)", "r[0]"),
        ("x = (x - x.mean()) / x.max()", "x -= x.mean()\nx /= x.max()", "x[0]"),
        ("r = np.median(x)", "r = np.median(x, overwrite_input=True)", "x[0]"),
        ("r = x + 1", "r = x.astype(np.float32) + 1", "dtype differs"),
        ("r = x.sum()", "r = float(x.sum())", "float64 / float"),
        ("r = x", "r = x[:-1]", "shape"),
        ("r = [1, 2]", "r = (1, 2)", "list / tuple"),
        ("x + 1", "x + 2", "the last expression"),
        ("y = x + 1", "y = x + 1\ndel x", "x: is there / is deleted"),
        ("t = x * 2\nr = t + 1", "r = x * 2\nr += 1", "does not bind `t`"),
        ("r = x + 1", "y = 2\nr = x + 1", "binds `y`, which is a name already"),
        ("r = x + 1", "r = x + 1\n1 / 0", "raises ZeroDivisionError"),
        ("r = np.random.rand(2)", "r = np.random.rand(1), np.random.rand(1)", "ndarray / tuple"),
    ],
)
def test_differs(before: str, after: str, words: str) -> None:
    verdict = prove(before, after, given())
    assert verdict.kind == "DIFFERS" and words in verdict.reason, verdict


def test_names_that_only_the_first_needs_may_be_forgotten() -> None:
    verdict = prove("t = x * 2\nr = t + 1", "r = x * 2\nr += 1", given(), forget=["t"])
    assert verdict.kind == "PROVEN" and near(B, verdict.saving)
    assert verdict.remarks == ("only the first binds `t`",)


@pytest.mark.parametrize(
    "other",
    ["x", "x[::2]", "x.reshape(2, -1)", "[x]", "{'k': x[1:]}", "holder(x)", "np.lib.stride_tricks.as_strided(x)",
     "np.ma.masked_array(x)"],
)  # fmt: skip
def test_whoever_looks_at_what_is_changed_sees_it(other: str) -> None:
    class Holder:
        def __init__(self, value: Any) -> None:
            self.value = value

    names = given(holder=Holder)
    names["other"] = eval(other, names)
    del names["holder"]
    verdict = prove("x = x * 2", "x *= 2", names)
    assert verdict.kind in ("DIFFERS", "NOT_RUN") and "other" in verdict.reason, verdict


HOLDERS = (
    "f = lambda a=x: a",
    "def make(kept):\n    def inner(): return kept.sum()\n    return inner\ng = make(x)",
    "deep = [[x]]",
    "deep = [[x[1:]]]",
    "m = memoryview(x)",
    "i = iter(x)",
    "class C:\n    w = x",
    "v = x.T\nl = [[v]]\ndel v",
    "x = np.arange(12.0).reshape(3, 4)\nl = [[x.base]]",
    "o = np.empty(2, object)\no[0] = [x]",
    "import pandas as pd\nframe = pd.DataFrame({'a': x}, copy=False)",
)


@pytest.mark.parametrize("holder", HOLDERS)
def test_what_is_held_by_no_name_must_not_change(holder: str) -> None:
    names = given()
    exec(holder, names)
    verdict = prove("x = x * 2.5", "x *= 2.5", names)
    assert verdict.kind == "DIFFERS", verdict
    assert "memory of `x` in place" in verdict.reason or "frame['a']" in verdict.reason
    verdict = prove("z = x + x\nz = z * 2.5", "z = x + x\nz *= 2.5", names)
    assert verdict.kind in ("PROVEN", "NO_GAIN"), "to read it is harmless"
    verdict = prove("x[:1] = 5\nz = x + x\nz = z * 2", "x[:1] = 5\nz = x + x\nz *= 2", names)
    assert verdict.kind in ("PROVEN", "NO_GAIN"), "both do the same to it"


@pytest.mark.parametrize(
    ("setup", "before", "after"),
    [
        ("", "x = x * y", "x *= y"),
        ("x = np.arange(1e5).reshape(10, -1)", "x = x * 2.5", "x *= 2.5"),
        ("def f(): return k\nk = 3", "x = x * f()", "x *= f()"),
        ("d = {'k': x}\ndel x", "d['k'] = d['k'] * 2.5", "d['k'] *= 2.5"),
        ("l = [x]\ndel x", "l[0] = l[0] * 2.5", "l[0] *= 2.5"),
        ("class O: pass\no = O()\no.w = x\ndel x", "o.w = o.w * 2.5", "o.w *= 2.5"),
        ("x = np.asfortranarray(x.reshape(10, -1))", "x = x * 2.5", "x *= 2.5"),
    ],
)
def test_what_only_its_names_hold_may_change(setup: str, before: str, after: str) -> None:
    names = given()
    exec(setup, names)
    how: dict[str, Any] = {"allow_effects": "def" in setup}  # its source is not known here
    assert prove(before, after, names, **how).kind == "PROVEN"
    assert prove(before, after, dict(names), also_held=1, **how).kind == "PROVEN"


def test_a_list_changed_in_place() -> None:
    names = {"l": [1], "np": np}
    names["other"] = names["l"]
    assert prove("l = l + [2]", "l += [2]", names).kind == "DIFFERS"
    del names["other"]
    assert prove("l = l + [2]", "l += [2]", names).kind == "NO_GAIN"


def test_no_gain() -> None:
    verdict = prove("x *= y", "x = x * y", given())
    assert verdict.kind == "NO_GAIN" and verdict.saving == -B and "7.6 MiB higher" in verdict.reason
    assert prove("x = x * y", "x *= y", given(), least=B + 1).kind == "NO_GAIN"


# Not run


def ran(tmp_path: Path) -> bool:
    return any(tmp_path.iterdir())


def test_what_has_effects_is_not_run(tmp_path: Path) -> None:
    names = given(path=str(tmp_path / "f"))
    for pair in (("x = x * 2", "np.save(path, x)\nx *= 2"), ("np.save(path, x)\nx = x * 2", "x *= 2")):
        verdict = prove(*pair, names)
        assert verdict.kind == "NOT_RUN" and "np.save" in verdict.reason and verdict.before is None
    assert not ran(tmp_path)
    assert prove("np.save(path, x)\nx = x * y", "x *= y", names, allow_effects=True).kind == "PROVEN"
    assert ran(tmp_path)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [("x = (", "x *= 2", "not Python"), ("1 / 0", "x *= 2", "`before` raises ZeroDivisionError"),
     ("await x", "x", "await"), ("!ls", "x", "not Python")],
)  # fmt: skip
def test_not_run(before: str, after: str, words: str) -> None:
    verdict = prove(before, after, given())
    assert verdict.kind == "NOT_RUN" and words in verdict.reason


def test_copies_that_would_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    from npmem_magic.compare import proof

    monkeypatch.setattr(proof, "memory", lambda: Memory(2**40, 10**9, "machine"))
    verdict = prove("x = x + 1", "x += 1", {"x": np.zeros(10**9, np.uint8)})
    assert verdict.kind == "NOT_RUN" and "1.9 GiB" in verdict.reason and "953.7 MiB are free" in verdict.reason


def test_copies_that_cannot_be_made() -> None:
    verdict = prove("r = sum(g)", "r = sum(g)", {"g": (n for n in [1])}, allow_effects=True)
    assert verdict.kind == "NOT_RUN" and "`g` (generator)" in verdict.reason


def test_many_small_proofs_in_a_row() -> None:
    names = {"np": np, "x": np.ones(1000), **{f"v{at}": np.ones(3) for at in range(30)}}
    found: list[Verdict] = [prove("x = x * x", "x *= x", names) for _ in range(100)]
    assert {each.kind for each in found} == {"PROVEN"} and {each.saving for each in found} == {8000}


def test_an_error_in_a_proof_leaves_everything_as_it_was() -> None:
    with pytest.raises(KeyboardInterrupt):
        prove("raise KeyboardInterrupt", "x", {"x": 1})
    assert gc.isenabled() and builtins.len([1]) == 1


def test_the_run_of_before_is_spared_and_nothing_else_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []
    run = proof._run
    monkeypatch.setattr(proof, "_run", lambda text, *rest: (runs.append(text), run(text, *rest))[1])
    names = {"np": np, "x": np.ones(N), "y": np.ones(N)}
    before, earlier = "z = x * 2 + 1\nz = z + y", proof.Earlier()
    for after in (
        "z = x * 2 + 1\nz += y",
        "z = x * 2 + 1\nz += 2 * y",
        "z = x * 2\nz += 1\nz += y",
        "x *= 2\nz = x + 1 + y",
    ):
        one, two = (proof.prove(before, after, names, earlier=each) for each in (None, earlier))
        assert (one.kind, one.reason, one.saving) == (two.kind, two.reason, two.saving), after
    assert runs.count(before) == 4 + 1
    proof.prove("z = x + y", "z = x - y", names, earlier=earlier)
    proof.prove(before, "z = x * 2 + 1\nz += y", names, earlier=earlier)
    assert runs.count(before) == 4 + 2, "only the last one is kept"
