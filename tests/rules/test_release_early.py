"""Names that are not needed any more."""

from __future__ import annotations

import pytest

from .helper import texts, warnings_of

RULE = "release-early"


@pytest.mark.parametrize(
    ("setup", "cell"),
    [
        ("x = np.random.default_rng(0).random(N)", "p = x ** 2\nq = p.sum()\nr = x + 1\ns = r / 3 + p"),
        ("x = np.random.default_rng(0).random(N)", "s = x.sum()\nr = x + 1\nt = r / 3"),
    ],
)
def test_leaves_alone(setup: str, cell: str) -> None:
    assert texts(RULE, setup, cell) == []


@pytest.mark.parametrize(
    ("setup", "cell", "wanted"),
    [
        (
            "x = np.random.default_rng(0).random(N)",
            "p = x ** 2\nq = p.sum()\nr = x + 1\ns = r / 3",
            "q = p.sum()\ndel p",
        ),
        (
            "x = np.random.default_rng(0).random(N)",
            "def f(x):\n    p = x ** 2\n    q = p.sum()\n    u = np.sqrt(x) * 3 + x\n    return u + q\ny = f(x)",
            "q = p.sum()\n    del p",
        ),
        (
            "x = np.random.default_rng(0).random(N)",
            "p = x ** 2\nq = p.sum()\nu = x + 1\nv = u.sum()\nr = np.sqrt(x) * 3 + x * 2",
            "q = p.sum()\ndel p\nu = x + 1\nv = u.sum()\ndel u",
        ),
    ],
)
def test_finds(setup: str, cell: str, wanted: str) -> None:
    assert wanted in texts(RULE, setup, cell)


def test_names_who_holds_what_is_deleted() -> None:
    found = warnings_of("x = np.ones(N); Out = {3: x}", "del x\ny = np.ones(N)")
    assert any("Out[3]" in each.why and "frees nothing" in each.why for each in found)
