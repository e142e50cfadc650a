"""The checker of the workshop: what is right passes, and each kind of wrong is told in a sentence that names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from npmem_magic import NpmemError, exercise

N = 500_000


def doubled(values: np.ndarray) -> np.ndarray:
    return np.asarray(values * 2)


def check(function: Callable[..., Any], peak: Any = "1.1x", **how: Any) -> exercise.Verdict:
    return exercise.check(function, like=doubled, on=(np.arange(N, dtype=np.float64),), peak=peak, **how)


def told(verdict: exercise.Verdict) -> str:
    """The sentences of an answer that did not pass."""
    assert verdict.passed is False
    assert repr(verdict).startswith("Not yet. ")
    return " ".join(verdict.sentences)


# What is right passes


def test_the_right_answer_passes_and_says_what_it_cost() -> None:
    verdict = check(lambda values: values + values)
    assert verdict.passed is True
    said = "Right result, inputs untouched, peak 3.8 MiB (1.00x the input), allowed 4.2 MiB (1.10x the input)."
    assert repr(verdict) == f"Passed. {said}"
    assert verdict.trace is not None and abs(verdict.trace.peak - 8 * N) < 256 * 1024


def test_rounding_is_no_fault() -> None:
    assert check(lambda values: values * 6 / 3, peak="3x").passed


def test_a_number_is_compared_as_one() -> None:
    values = np.linspace(0, 1, N)
    assert exercise.check(lambda v: float(v.sum()), like=float(values.sum()), on=(values,), peak="64KiB").passed
    assert exercise.check(lambda v: 1.001, like=1.0, on=(values,), within=0.01).passed
    assert "0.5" in told(exercise.check(lambda v: 0.5, like=1.0, on=(values,), within=0.01))


def test_the_exercises_own_inputs_stay_as_they_are() -> None:
    """A function that spoils its input spoils a copy: the next attempt starts from the same."""
    values = np.ones(N)

    def spoil(given: np.ndarray) -> np.ndarray:
        given[:] = 7
        return given

    exercise.check(spoil, like=doubled, on=(values,))
    assert (values == 1).all()


def test_in_place_may_change_its_first_input_and_no_other() -> None:
    a, b = np.ones(N), np.full(N, 2.0)

    def add(x: np.ndarray, y: np.ndarray) -> None:
        x += y

    def add_and_spoil(x: np.ndarray, y: np.ndarray) -> None:
        x += y
        y[0] = 0

    assert exercise.check(add, like=a + b, on=(a, b), peak="64KiB", in_place=True).passed
    assert "input 2" in told(exercise.check(add_and_spoil, like=a + b, on=(a, b), in_place=True))


def test_inputs_may_be_made_for_each_run() -> None:
    assert exercise.check(lambda v: v * 2, like=doubled, on=lambda: (np.ones(10),)).passed


def test_a_traced_cell_is_judged_like_a_function(ip: InteractiveShell) -> None:
    ip.run_cell("import numpy as np\nx = np.ones(500_000)").raise_error()
    ip.run_cell("%%memtrace -q -o mine\ny = x * 2\nz = y + y").raise_error()
    mine, y = ip.user_ns["mine"], ip.user_ns["y"]
    assert exercise.check(mine, like=y, result=y, peak="8MiB").passed
    assert "line 3" in told(exercise.check(mine, like=y, result=y, peak="5MiB"))
    ip.run_cell("%%memtrace -q -o mine\ny = x * undefined")
    assert "undefined" in told(exercise.check(ip.user_ns["mine"], like=y, result=y))


# What is wrong is told


def test_a_wrong_value() -> None:
    said = told(check(lambda values: values * 2 + (values == 17), peak="2x"))
    assert "not right" in said and "17" in said and "peak" not in said


def test_a_wrong_dtype_and_its_bytes() -> None:
    said = told(check(lambda values: (values * 2).astype(np.float32), peak="3x"))
    assert "float32" in said and "float64" in said


def test_a_dtype_that_was_asked_for() -> None:
    how: dict[str, Any] = {"dtype": np.float32, "within": 1e-1, "peak": "3x"}
    assert check(lambda values: (values * 2).astype(np.float32), **how).passed
    assert "asked for is float32" in told(check(doubled, **how))


def test_a_wrong_shape() -> None:
    assert f"({N // 2},)" in told(check(lambda values: (values * 2)[::2]))


def test_a_peak_that_is_too_high_with_its_expression() -> None:
    def heavy(values: np.ndarray) -> np.ndarray:
        twice = np.multiply(values, 3)
        return twice - values

    said = told(check(heavy))
    assert "peak" in said and "2.00x" in said and "1.10x" in said and "target" in said
    assert "twice - values" in said


def test_too_much_that_is_kept() -> None:
    kept = []

    def keeping(values: np.ndarray) -> np.ndarray:
        kept.append(values * 2)
        return kept[0] + 0

    assert "left at the end" in told(check(keeping, peak=None, net="1.1x"))


def test_an_input_that_was_changed() -> None:
    def in_place(values: np.ndarray) -> np.ndarray:
        values *= 2
        return values

    assert "changed input 1" in told(check(in_place))


def test_a_return_that_is_missing() -> None:
    def silent(values: np.ndarray) -> None:
        values * 2

    assert "return" in told(check(silent))


def test_a_function_that_raises() -> None:
    def broken(values: np.ndarray) -> np.ndarray:
        raise ValueError("no such channel")

    assert "ValueError" in told(check(broken)) and "no such channel" in told(check(broken))


def test_an_interrupt_is_no_answer() -> None:
    def stopped(values: np.ndarray) -> np.ndarray:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(stopped)


def test_several_faults_are_all_told() -> None:
    def all_wrong(values: np.ndarray) -> np.ndarray:
        values += 1
        return np.concatenate([values, values])

    assert len(check(all_wrong).sentences) == 3


# Predictions


@pytest.mark.parametrize(
    ("said", "measured", "passed"),
    [(None, 8_000_000, None), ("8MB", 8_000_000, True), (8_500_000, 8_000_000, True), ("16MB", 8_000_000, False),
     (0, 4_000, True), (0, 8_000_000, False), ("8MB", 0, False)],
)  # fmt: skip
def test_predictions(said: Any, measured: int, passed: bool | None) -> None:
    verdict = exercise.guess(said, measured)
    assert verdict.passed is passed
    assert "easured" in repr(verdict)


# An exercise that is set wrongly is the author's fault, and an error


@pytest.mark.parametrize(
    "call",
    [
        lambda: exercise.check(3, like=3),  # type: ignore[arg-type]
        lambda: exercise.check(doubled, like=doubled, on=[1]),  # type: ignore[arg-type]
        lambda: check(doubled, peak="manyx"),
        lambda: check(doubled, peak="two sheep"),
        lambda: exercise.guess("two sheep", 10),
    ],
)
def test_an_exercise_that_is_set_wrongly_is_an_error(call: Callable[[], object]) -> None:
    with pytest.raises(NpmemError):
        call()


def test_the_verdict_as_html_is_escaped() -> None:
    def broken(values: np.ndarray) -> np.ndarray:
        raise ValueError("<b>bold</b>")

    page = check(broken)._repr_html_()
    assert "&lt;b&gt;" in page and "<b>bold" not in page and "Not yet" in page
