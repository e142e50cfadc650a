"""Casts to the dtype that is there already."""

from __future__ import annotations

import pytest

from rules.helper import texts, warnings_of

ALONE = {
    "another dtype": ("x = np.ones(N)", "y = x.astype('f4')"),
    "another byte order": ("x = np.ones(N)", "y = x.astype('>f8')"),
    "the copy is written into": ("x = np.ones(N)", "y = x.astype(float)\ny[0] = 5"),
    "the source is written into": ("x = np.ones(N)", "y = x.astype(float)\nx += 1"),
    "written into in place": ("x = np.ones(N)", "y = x.astype(float)\ny.sort()"),
    "said already": ("x = np.ones(N)", "y = x.astype(float, copy=False)"),
}


@pytest.mark.parametrize("name", ALONE)
def test_left_alone(name: str) -> None:
    assert texts("astype-without-copy", *ALONE[name]) == []


@pytest.mark.parametrize(("setup", "dtype"), [("np.ones(N)", "float"), ("np.arange(N)", "int"), ("np.ones(N)", "'f8'")])
def test_found(setup: str, dtype: str) -> None:
    found = texts("astype-without-copy", f"x = {setup}", f"y = x.astype({dtype})")
    assert found == [f"y = x.astype({dtype}, copy=False)"]


def test_a_cast_that_casts_is_told() -> None:
    (why,) = warnings_of("x = np.ones(N)", "y = x.astype('f4')")
    assert "`copy=False` saves nothing here: float64 becomes float32" in why.why
