"""Arrays that grow in a loop, and lists that become arrays after it."""

import pytest

from .helper import advice, texts

RULE = "preallocate"
SETUP = "x = np.linspace(0, 1, 10_000); chunks = [x + k for k in range(60)]; uneven = [x[: k * 100] for k in range(90)]"


@pytest.mark.parametrize(
    "cell",
    [
        "r = []\nfor k in range(200):\n    r.append(k * .5)\nr = np.array(r)",  # nothing to save
        "L = []\nfor k in range(60):\n    L.append(x * k)",  # never joined
        "L = []\nfor k in range(60):\n    L.append(x * k)\nA = np.array(L)\ns = len(L)",  # the list is used
        "r = np.ones(3)\nfor k in range(60):\n    r = np.append(r, x)",  # does not start empty
        "r = np.concatenate(chunks)",
    ],
)
def test_is_left_alone(cell: str) -> None:
    assert advice(RULE, SETUP, cell) == []


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("r = np.array([])\nfor c in uneven:\n    r = np.append(r, c)", "r = np.concatenate(uneven)"),
        ("r = np.empty(0)\nfor k in range(50):\n    c = x * k\n    r = np.concatenate([r, c])",
         "r = np.empty(500000)\nfor k in range(50):\n    c = x * k\n    r[k * 10000:(k + 1) * 10000] = c"),
        ("r = np.empty((0, 10000))\nfor k in range(50):\n    r = np.vstack((r, x * k))",
         "r = np.empty((50, 10000))\nfor k in range(50):\n    r[k] = x * k"),
        ("L = []\nfor k in range(60):\n    c = x + k\n    L.append(c * k)\nA = np.array(L)",
         "A = np.empty((60, 10000))\nfor k in range(60):\n    c = x + k\n    A[k] = c * k"),
        ("L = []\nfor c in chunks:\n    d = c + 1\n    L.append(d)\nA = np.stack(L)",
         "A = np.empty((60, 10000))\nfor place, c in enumerate(chunks):\n    d = c + 1\n    A[place] = d"),
    ],
)  # fmt: skip
def test_is_made_beforehand(cell: str, after: str) -> None:
    assert after in texts(RULE, SETUP, cell)


def test_whole_numbers_do_not_lose_their_fractions() -> None:
    pieces = advice(RULE, SETUP, "L = []\nfor k in range(60):\n    L.append(x * k)\nA = np.array(L)")
    assert all("int" not in each.after for each in pieces)
