"""Work on masked places."""

from __future__ import annotations

import pytest

from .helper import texts, warnings_of

RULE = "compute-where"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("x = np.arange(N); m = x > 5", "x[m] = x[m] * 1.5"),
        ("x = np.random.default_rng(0).random(N); i = np.arange(10)", "x[i] = x[i] * 2"),
        ("x = np.random.default_rng(0).random(N); m = x > 0.1", "x[m] = (x[m] - x[m].mean()) / 3"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        (
            "x = np.random.default_rng(0).random(N); m = x > 0.1",
            "x[m] = x[m] * 2",
            "np.multiply(x, 2, out=x, where=m);",
        ),
        ("x = np.random.default_rng(0).random(N)", "x[x > 0.1] *= 2", "np.multiply(x, 2, out=x, where=x > 0.1);"),
        ("x = np.random.default_rng(0).random(N); m = x > 0.1; w = x * 3", "x[m] = w[m]", "np.copyto(x, w, where=m);"),
        (
            "x = np.random.default_rng(0).random(N); m = x > 0.1; w = x * 3",
            "x[m] += w[m]",
            "np.add(x, w, out=x, where=m);",
        ),
        (
            "x = np.random.default_rng(0).random(N); m = x > 0.1",
            "x[m] = np.sqrt(x[m]) + 1",
            "np.sqrt(x, out=x, where=m)\nnp.add(x, 1, out=x, where=m);",
        ),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)


def test_says_where_memory_is_not_set() -> None:
    setup = "x = np.random.default_rng(0).random(N); m = x > 0.1"
    assert any("out=" in each.why for each in warnings_of(setup, "y = np.multiply(x, 2, where=m)"))
