"""Ask linear algebra for what is needed, not for a matrix that holds it.

Why
---
``np.trace(A @ B)`` and ``np.diag(A @ B)`` compute the whole product for its diagonal, ``np.diag(d) @ A`` fills a matrix
with zeros, ``np.linalg.inv(A) @ b`` computes an inverse to solve one system, and BLAS reads a transposed matrix as it
lies, without a copy.

Given
-----
    A = np.linspace(0, 1, 1_000_000).reshape(1000, 1000)
    B = A + 1

Instead of
----------
    t = np.trace(A @ B)

Write
-----
    t = np.einsum('ij,ji->', A, B)

Keeps
-----
close
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..rewriting.exchange import Form, exchanges
from ..rewriting.patterns import Match
from ..rewriting.suggestion import CLOSE, SAME, Suggestion
from ..rewriting.view import CellView
from ..standins import Known

WHY = "A whole matrix was made of which only a part is used, or which adds nothing; this computes what is used."


def suggest(cell: CellView) -> Iterator[Suggestion]:
    """Diagonals, traces and sums of products; diagonal matrices; inverses; copies of transposed matrices."""
    yield from exchanges(cell, _FORMS, WHY)


def _dims(**wanted: int) -> Callable[[Match], bool]:
    def fits(match: Match) -> bool:
        arrays = {name: match.array(f"_{name}") for name in wanted}
        return match.is_real(*(f"_{name}" for name in wanted), kinds="fciu") and all(
            len(array.shape) == wanted[name] for name, array in arrays.items() if array is not None
        )

    return fits


_AB, _DA = _dims(a=2, b=2), _dims(d=1, a=2)
_TURNED = ("_a.T", "transpose(_a)")
_TRANSPOSED = tuple(
    f"{copy}({turned})" for copy in ("ascontiguousarray", "asfortranarray", "copy", "array") for turned in _TURNED
)
_FORMS: tuple[Form, ...] = (
    ("trace(_a @ _b.T)", "{np}.einsum('ij,ij->', {a}, {b})", CLOSE, _AB),
    ("trace(_a @ _b)", "{np}.einsum('ij,ji->', {a}, {b})", CLOSE, _AB),
    *((f"{diag}(_a @ _b.T)", "{np}.einsum('ij,ij->i', {a}, {b})", CLOSE, _AB) for diag in ("diag", "diagonal")),
    *((f"{diag}(_a @ _b)", "{np}.einsum('ij,ji->i', {a}, {b})", CLOSE, _AB) for diag in ("diag", "diagonal")),
    ("sum(_a @ _b)", "({a}.sum(axis=0) @ {b}.sum(axis=1))", CLOSE, _AB),
    ("diag(_d) @ _a @ diag(_e)", "{d}[:, None] * {e} * {a}", CLOSE, _dims(d=1, a=2, e=1)),
    ("diag(_d) @ _a", "{d}[:, None] * {a}", CLOSE, _DA),
    ("_a @ diag(_d)", "{a} * {d}", CLOSE, _DA),
    ("diag(_d) @ _a", "{d} * {a}", CLOSE, _dims(d=1, a=1)),
    ("linalg.inv(_a) @ _b", "{np}.linalg.solve({a}, {b})", CLOSE, _dims(a=2)),
    *((f"{each} @ _b", "{a}.T @ {b}", SAME, _dims(a=2)) for each in _TRANSPOSED),
    *((f"_b @ {each}", "{b} @ {a}.T", SAME, _dims(a=2)) for each in _TRANSPOSED),
    ("outer(_u, _v) @ _w", "{u} * ({v} @ {w})", CLOSE, _dims(u=1, v=1, w=1)),
    ("(_u[:, None] * _v) @ _w", "{u} * ({v} @ {w})", CLOSE, _dims(u=1, v=1, w=1)),
    ("sum(outer(_u, _v), axis=0)", "{u}.sum() * {v}", CLOSE, _dims(u=1, v=1)),
    ("sum(outer(_u, _v), axis=1)", "{u} * {v}.sum()", CLOSE, _dims(u=1, v=1)),
    ("_w @ outer(_u, _v)", "({w} @ {u}) * {v}", CLOSE, _dims(u=1, v=1, w=1)),
    ("_a @ outer(_u, _v)", "{np}.outer({a} @ {u}, {v})", CLOSE, _dims(u=1, v=1, a=2)),
    ("outer(_u, _v) @ _a", "{np}.outer({u}, {v} @ {a})", CLOSE, _dims(u=1, v=1, a=2)),
    ("sum(outer(_u, _v))", "{u}.sum() * {v}.sum()", CLOSE, _dims(u=1, v=1)),
    ("diag(outer(_u, _v))", "{u} * {v}", SAME, _dims(u=1, v=1)),
    ("(_a @ _b) @ _v", "{a} @ ({b} @ {v})", CLOSE, _dims(a=2, b=2, v=1)),
    ("(_a @ _b)[_i]", "{a}[{i}] @ {b}", CLOSE, lambda m: _AB(m) and m.value("_i").__class__ is Known),
    ("(_a @ _b)[_i, :]", "{a}[{i}] @ {b}", CLOSE, _AB),
    ("(_a @ _b)[:, _i]", "{a} @ {b}[:, {i}]", CLOSE, _AB),
    ("(_a @ _b)[_i, _j]", "{a}[{i}] @ {b}[:, {j}]", CLOSE, _AB),
    *((f"{name}(_a @ _b, axis=0)", f"{{a}}.{name}(axis=0) @ {{b}}", CLOSE, _AB) for name in ("sum", "mean")),
    *((f"{name}(_a @ _b, axis=1)", f"{{a}} @ {{b}}.{name}(axis=1)", CLOSE, _AB) for name in ("sum", "mean")),
    *((f"_a @ {name}(_n)", "{a}.copy()", SAME, _dims(a=2)) for name in ("eye", "identity")),
)
