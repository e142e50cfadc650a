"""Full grids of coordinates."""

from .helper import advice, texts

RULE = "make-sparse-grids"
SETUP = "v = np.linspace(1, 2, 1000); w = np.linspace(1, 2, 800)"


def test_grids_are_asked_about() -> None:
    (piece,) = advice(RULE, SETUP, "X, Y = np.meshgrid(v, w)\nZ = np.sqrt(X ** 2 + Y)")
    assert piece.after == "X, Y = np.meshgrid(v, w, sparse=True)"
    assert piece.keeps == "ask: `X`, `Y` hold one row and one column"
    assert texts(RULE, SETUP, "X, Y = np.mgrid[:1000, :800]\nZ = X - Y") == ["X, Y = np.ogrid[:1000, :800]"]
    assert texts(RULE, SETUP, "X, Y = np.meshgrid(v, w)\nZ = X.ravel()") == []


def test_indices() -> None:
    assert texts(RULE, "", "r, c = np.indices((1000, 800))\nZ = r * c") == [
        "r, c = np.indices((1000, 800), sparse=True)"
    ]
