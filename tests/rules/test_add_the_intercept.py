"""A column of ones beside a matrix that is multiplied."""

import pytest

from .helper import advice, texts

RULE = "add-the-intercept"
SETUP = "A = np.linspace(0, 1, N).reshape(1000, 1000); w = np.linspace(0, 1, 1001)"


@pytest.mark.parametrize(
    "cell",
    ["B = np.hstack([np.ones((1000, 1)), A])", "B = np.c_[np.ones(1000), A]\ny = B @ w\nz = B.sum()",
     "y = np.hstack([np.zeros((1000, 1)), A]) @ w", "y = np.vstack([np.ones((1, 1000)), A]).T @ w"],
)  # fmt: skip
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    "cell",
    ["y = np.hstack([np.ones((1000, 1)), A]) @ w", "y = np.column_stack((np.ones(len(A)), A)) @ w",
     "y = np.c_[np.ones(1000), A] @ w", "y = np.concatenate([np.ones((1000, 1)), A], axis=1) @ w"],
)  # fmt: skip
def test_in_front(cell: str) -> None:
    assert texts(RULE, SETUP, cell) == ["y = w[0] + A @ w[1:]"]


def test_behind_and_named() -> None:
    (piece,) = advice(RULE, SETUP, "B = np.c_[A, np.ones(1000)]\ny = B @ w")
    assert piece.after == "y = w[-1] + A @ w[:-1]"
    assert piece.keeps.startswith("ask: `B` is not there afterwards")
