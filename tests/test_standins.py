# ruff: noqa: E501  tables of expressions
"""Shapes and dtypes worked out without making anything: equal to what NumPy really makes, or not known."""

from __future__ import annotations

import tracemalloc
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npmem_magic.standins import Array, Known, Unknown, Value, from_object, parse, work_out

NAMES: dict[str, Any] = {
    "np": np,
    "a": np.linspace(1, 2, 6),
    "b": np.linspace(1, 2, 4).astype(np.float32),
    "X": np.arange(24, dtype=np.float32).reshape(6, 4),
    "Y": np.ones((4, 9)),
    "i": np.arange(1, 7, dtype=np.int32),
    "u": np.arange(1, 7, dtype=np.uint8),
    "m": np.array([True, False] * 3),
    "c": np.ones(6, np.complex64),
    "s": np.float64(2.5),
    "s4": np.float32(2.5),
    "z": np.array(3.0),
    "n": 7,
    "t": (2, 3),
    "rng": np.random.default_rng(0),
    "S": np.eye(4) + 1,
    "cube": np.zeros((2, 3, 4)),
    "w": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
}
EXPRESSIONS = """
a + 1 | a * b[:, None] | a[:, None] - a[None, :] | i / 2 | i // 2 | i * 2.5 | u + i | i + b[:1] | i * s | b * s | b * s4
b * z | b * 2 | u * 2 | -i | ~m | abs(c) | a ** 2 | 2 ** i | X @ Y | X.T @ a | a @ a | a > 1 | (a > 1) & m | a % 2
i << 1 | a + w | [1, 2, 3, 4] * b | c * 1j | a * (1 + 2j) | u + np.int64(3) | X - X.mean(axis=0) | X.sum(axis=1)
X.sum() | X.max(axis=0, keepdims=True) | X.argmax(axis=1) | i.sum() | u.mean() | X.std(axis=(0, 1)) | X.cumsum() | X.ptp()
np.sqrt(u) | np.sqrt(i) | np.exp(b) | np.add(a, i) | np.hypot(a, 3) | np.maximum(b, 0) | np.isnan(a) | np.sum(X, axis=0)
np.mean(i) | np.median(X, axis=1) | np.percentile(X, 95, axis=0) | np.var(i) | np.cumsum(u) | np.argsort(a) | np.sort(X)
np.where(a > 1, a, 0) | np.where(m, i, 2.5) | np.clip(b, 0, 1) | np.round(a, 2) | np.dot(X, Y) | np.outer(a, b)
np.einsum('ij,jk->ik', X, Y) | np.tensordot(X, Y, 1) | np.kron(a, b) | np.concatenate([a, b]) | np.stack([a, a * 2])
np.vstack([X, X]) | np.hstack((X, X)) | np.column_stack([a, i]) | np.append(a, 1) | np.diff(a) | np.gradient(b)
np.roll(a, 2) | np.flip(X) | np.transpose(X) | np.moveaxis(cube, 0, 2) | np.expand_dims(a, 0) | np.squeeze(cube[:1])
np.ravel(X) | np.tile(X, (2, 3)) | np.repeat(a, 4) | np.repeat(X, 2, axis=1) | np.pad(a, 3) | np.convolve(a, b)
np.interp(a, b, b) | np.cov(X) | np.corrcoef(a, a) | np.linalg.inv(S) | np.linalg.norm(X, axis=1) | np.linalg.svd(X)[1]
np.fft.fft(a) | np.fft.rfft(a) | np.fft.fft(b) | np.fft.fft2(X) | np.meshgrid(a, b)[1] | np.histogram(a, bins=5)[0]
np.searchsorted(a, b) | np.isin(i, [1, 2]) | np.take(a, [1, 2]) | np.triu(S) | np.diag(S) | np.trace(S) | np.cross(X[:, :3], X[:, :3])
np.zeros(5) | np.zeros((2, 3), int) | np.zeros((n, n), 'f4') | np.ones(t) | np.empty(3, dtype=np.uint8) | np.full(3, 7)
np.full((2, 2), 1.5, np.float32) | np.full(3, True) | np.zeros_like(X) | np.ones_like(i, dtype=float) | np.full_like(b, 3)
np.empty_like(X, shape=(2, 2)) | np.eye(4) | np.eye(3, 5) | np.identity(3) | np.arange(5) | np.arange(2.0, 9) | np.arange(1, 9, 2)
np.arange(5, dtype='f4') | np.arange(0, 1, 0.1) | np.arange(5, 0, -1) | np.linspace(0, 1, 11) | np.linspace(0, 1, dtype='f4')
np.logspace(0, 1, 5) | np.array([1, 2]) | np.array([[1.5], [2]]) | np.array([1, 2], np.int8) | np.asarray(X) | np.array([a, a])
np.asarray(i, float) | np.indices((2, 3)) | np.mgrid[:3, :4] | np.tri(3) | np.broadcast_to(a, (5, 6)) | np.reshape(X, (3, -1))
np.random.rand(2, 3) | np.random.randn(4) | np.random.normal(size=(2, 2)) | np.random.randint(0, 9, 5) | rng.random(5)
rng.normal(0, 1, (3, 2)) | rng.integers(0, 9, size=4) | rng.random(3, dtype=np.float32) | rng.choice(a, 3) | rng.standard_normal((2, 2))
rng.uniform(0, 1, 3) | rng.poisson(3, 5)
X.astype(np.float64) | X.astype('i2').T | X.reshape(2, 12) | X.reshape(-1) | X.ravel() | X.flatten() | X.copy() | X.view('i4')
X.T | X.real | c.imag | c.conj() | X.repeat(2) | X.transpose() | X.swapaxes(0, 1) | X.round(1) | X.dot(Y) | a.clip(0, 1)
a[2:5] | a[::2] | a[-1] | X[0] | X[:, 1] | X[..., None] | X[1:3, ::2] | cube[0, :, 1:] | a[[0, 2, 4]] | X[i[:2]] | a[None]
np.float32(a) | np.float32(3) * b | np.int8(3) + i | float(a.sum()) * b | np.pi * b | np.finfo(np.float32).eps * b
len(a) * b | X.shape[0] * b | np.zeros(X.shape[1]) | np.zeros(len(a) // 2) | np.zeros(X.shape, X.dtype) | np.zeros(int(n / 2))
np.where(X > 3, X, np.float64(0)) | np.add.reduce(X, axis=0) | np.add.outer(a, b) | (a[:, None] * b).sum(axis=0)
"""
ALL = [each.strip() for line in EXPRESSIONS.split("\n") for each in line.split(" | ") if each.strip()]


def look(path: str) -> Value | None:
    return from_object(NAMES[path]) if path in NAMES else None


def value_of(text: str) -> Value:
    return work_out(parse(text), look).value


def really(text: str) -> Any:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(text, dict(NAMES))


@pytest.mark.parametrize("text", ALL)
def test_as_numpy_makes_it(text: str) -> None:
    try:
        made = really(text)
    except (AttributeError, TypeError) as error:
        pytest.skip(f"this NumPy: {error}")
    value = value_of(text)
    if isinstance(value, Known):
        assert isinstance(made, (int, float, np.generic)) and value.value == made
    else:
        assert isinstance(value, Array), value
        assert (value.shape, value.dtype) == (np.shape(made), made.dtype)
        assert value.is_scalar is isinstance(made, np.generic)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nothing + 1", "no name 'nothing'"),
        ("np.unique(a)", "depends on the values"),
        ("np.nonzero(a)", "depends on the values"),
        ("np.where(m)", "depends on the values"),
        ("np.load('x.npy')", "not followed"),
        ("open('x')", "open is not a function of NumPy"),
        ("exit()", "exit is not a function of NumPy"),
        ("a.tofile('x')", "not followed"),
        ("np.save('x', a)", "not followed"),
        ("np.vectorize(len)(a)", ""),
        ("a + nothing", "no name 'nothing'"),
        ("X @ X", "ValueError"),
        ("a + b", "ValueError"),
        ("a[7, 7]", "IndexError"),
        ("X.reshape(5, 5)", "do not go into shape"),
        ("10 ** 10 ** 10", "too large"),
        ("1 << 10 ** 9", "too large"),
        ("'a' * 10 ** 9", "only arithmetic of numbers"),
        ("np.pad(a, 10 ** 9)", "above 64"),
        ("np.fft.fft(a, 10 ** 9)", "above 64"),
        ("np.zeros(float(a.sum()))", "not known"),
        ("np.zeros(-3)", "negative"),
        ("[k for k in a]", "ListComp"),
        ("(lambda: 1)()", "not a function of NumPy"),
        ("1 / 0", "ZeroDivisionError"),
        ("np.zeros(3, 'nothing')", "TypeError"),
    ],
)
def test_what_is_not_known_says_why(text: str, why: str) -> None:
    value = value_of(text)
    assert isinstance(value, Unknown) and why in value.why, value


def test_nothing_of_the_users_is_called() -> None:
    def touched(*args: object) -> Any:
        raise AssertionError

    class Sub(np.ndarray):
        __array_ufunc__ = __array_function__ = touched  # type: ignore[assignment]

    class Touchy:
        __add__ = __array__ = __getattr__ = __len__ = __getitem__ = touched

    names = {"np": np, "f": touched, "t": Touchy(), "x": np.zeros(3).view(Sub), "o": np.empty(2, object)}
    for text in ("f(1)", "t + 1", "t.a", "t[0]", "len(t)", "np.sum(t)", "x + 1", "np.sum(x)", "o + o", "o.sum()", "-t"):
        assert isinstance(
            work_out(parse(text), lambda path: from_object(names[path]) if path in names else None).value, Unknown
        ), text


def test_nothing_large_is_made() -> None:
    huge = np.broadcast_to(np.zeros(()), (10**6, 10**5))
    names = {"np": np, "h": huge}
    texts = ("h + h", "h[:, None] * h", "h.sum(axis=0)", "np.zeros((10**7, 10**5))", "h.reshape(-1)", "h.T @ h", "h[::3] * 2",
             "np.concatenate([h, h])", "h.astype('f4')", "np.linspace(0, 1, 10**12)", "h > 3", "np.random.rand(10**9, 10)")  # fmt: skip
    work_out(parse("h + h"), lambda path: from_object(names[path]) if path in names else None)
    tracemalloc.start()
    try:
        for text in texts:
            value = work_out(parse(text), lambda path: from_object(names[path]) if path in names else None).value
            assert isinstance(value, Array), (text, value)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_an_upper_bound_says_so() -> None:
    found = work_out(parse("a[a > 1] * 2"), look)
    assert found.value == Array((6,), np.dtype(float)) and found.bounds == [
        "a[a > 1]: at most, if every element is chosen"
    ]


# Expressions put together at random give what NumPy gives, or are not known

LEAVES = st.sampled_from(
    ["a", "i", "u", "b", "X", "c", "m", "s", "s4", "z", "2", "2.5", "n", "w", "a[:, None]", "X[:, :1]", "i[::2]"]
)
BINARY = st.sampled_from(["+", "-", "*", "/", "//", "@", ">", "**"])
CALLS = st.sampled_from(["np.sqrt({})", "np.sum({}, axis=0)", "-({})", "({}).mean(axis=0)", "np.stack([{0}, {0}])", "({}).T", "np.abs({})",
                         "np.cumsum({})", "({}).astype('f4')", "np.outer({0}, {0})", "np.where({0} > 1, {0}, 0)"])  # fmt: skip
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda left, op, right: f"({left} {op} {right})", inner, BINARY, inner),
        st.builds(lambda call, arg: call.format(arg, arg), CALLS, inner),
    ),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(TREES)
def test_random_expressions(text: str) -> None:
    value = value_of(text)
    if not isinstance(value, Array):
        return
    try:
        made = really(text)
    except ValueError as error:  # a matter of the values
        assert "negative integer powers" in str(error)
        return
    assert (value.shape, value.dtype) == (np.shape(made), np.asarray(made).dtype)
