"""Sparse matrices made dense, only to be read once."""

import pytest

from .helper import advice, texts

pytest.importorskip("scipy")

RULE = "keep-it-sparse"
SETUP = """
import scipy.sparse as sp
S = sp.random(1000, 1000, density=.001, format="csr"); v = np.ones(1000); D = np.ones((1000, 1000))
"""


@pytest.mark.parametrize(
    "cell",
    [
        "A = S.toarray()",
        "A = S.toarray() + 1",
        "r = S @ v",
        "r = D @ v",
        "r = np.median(S.toarray())",
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("r = S.toarray() @ v", "r = S @ v"),
        ("r = v @ S.toarray()", "r = v @ S"),
        ("r = S.toarray().T @ v", "r = S.T @ v"),
        ("r = np.dot(S.toarray(), v)", "r = S.dot(v)"),
        ("r = S.toarray().sum()", "r = S.sum()"),
        ("r = S.toarray()[5]", "r = S[5].toarray().ravel()"),
        ("r = np.count_nonzero(S.toarray())", "r = S.count_nonzero()"),
    ],
)
def test_is_found(cell: str, after: str) -> None:
    assert after in texts(RULE, SETUP, cell)
