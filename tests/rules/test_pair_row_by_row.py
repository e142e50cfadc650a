"""Reductions of all pairs: by cdist, by einsum, or row by row; nothing where there is no blow-up."""

import pytest

from .helper import advice, texts

RULE = "pair-row-by-row"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("A = np.ones((1000, 500))", "s = (A - A.mean(0)).sum(axis=1)"),  # nothing is larger than A
        ("x = np.linspace(0, 1, 50)", "s = np.abs(x[:, None] - x).sum(1)"),  # small
        ("x = np.linspace(0, 1, 1000)", "d = x[:, None] - x"),  # nothing is reduced
        ("x = np.linspace(0, 1, 1000)", "s = (x[::2][:, None] - x).std()"),  # the parts are not known one by one
    ],
)
def test_is_left_alone(setup: str, cell: str) -> None:
    assert advice(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("D = np.sqrt(np.sum((X[:, np.newaxis] - Y) ** 2, axis=2))", "D = cdist(X, Y, 'euclidean')"),
        ("D = np.abs(X[:, None, :] - Y[None]).sum(-1)", "D = cdist(X, Y, 'cityblock')"),
        ("D = np.linalg.norm(X[None] - Y[:, None], axis=-1)", "D = cdist(Y, X, 'euclidean')"),
    ],
)
def test_distances(cell: str, after: str) -> None:
    pytest.importorskip("scipy")
    setup = "X = np.linspace(0, 1, 8000).reshape(200, 40); Y = np.linspace(0, 2, 6000).reshape(150, 40)"
    assert texts(RULE, setup, cell) == [f"from scipy.spatial.distance import cdist\n{after}"]


def test_a_difference_with_a_name_is_given_up() -> None:
    pytest.importorskip("scipy")
    setup = "X = np.linspace(0, 1, 8000).reshape(200, 40)"
    (piece,) = advice(RULE, setup, "d = X[:, None] - X\nD = (d ** 2).sum(-1)")
    assert piece.keeps.startswith("ask: `d` is not there afterwards")
    assert advice(RULE, setup, "d = X[:, None] - X\nD = (d ** 2).sum(-1)\ns = d.shape") == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("k = np.abs(q[:, None] - g).argmin(axis=1)", "k = np.array([(np.abs(each - g)).argmin() for each in q])"),
        ("k = np.abs(q - g[:, None]).argmin(axis=0)", "k = np.array([(np.abs(each - g)).argmin() for each in q])"),
        ("k = np.abs(q.reshape(-1, 1) - g).max()", "k = max((np.abs(each - g)).max() for each in q)"),
        ("k = (q[:, None] * g).sum(0)", "k = np.einsum('i,j->j', q, g)"),
        ("k = (q[:, None] == g).any(1)", "k = np.isin(q, g)"),
    ],
)
def test_other_pairs(cell: str, after: str) -> None:
    assert after in texts(RULE, "q = np.linspace(0, 1, 3000); g = np.linspace(0, 1, 1000)", cell)
