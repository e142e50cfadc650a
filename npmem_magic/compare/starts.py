"""What is the same at the start of every run beside the values: random states, modules that are imported."""

from __future__ import annotations

import ast
import gc
import hashlib
import importlib
import random
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import buffers
from .spans import blocks


class RandomStates:
    """The states of Python's and NumPy's global generators at the moment this was made."""

    def __init__(self) -> None:
        self._python = random.getstate()
        self._numpy = np.random.get_state(legacy=False)

    def restore(self) -> None:
        """Put both back."""
        random.setstate(self._python)
        np.random.set_state(self._numpy)


def import_all(trees: Iterable[ast.AST]) -> None:
    """Import what the code is going to import, so that the first variant does not pay for the others.

    What fails here fails again in the variant, where it is shown.
    """
    for name in dict.fromkeys(name for tree in trees for name in _modules(tree)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                importlib.import_module(name)
        except Exception as error:  # a module may raise anything when it is imported
            sys.modules.pop(name, None) if isinstance(error, ImportError) else None


def _modules(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name for alias in aliases)
            case ast.ImportFrom(module=str(name), level=0):
                yield name


@contextmanager
def no_collection() -> Iterator[None]:
    """No garbage of others dies in here: the collector waits."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def fingerprints(values: Mapping[str, Any]) -> dict[str, bytes]:
    """For each array that `values` hold (themselves, or one level down), by where it is, what its bytes are."""
    found: dict[str, bytes] = {}
    for name, value in values.items():
        arrays = [(name, value)] if isinstance(value, np.ndarray) else list(buffers.inside(name, value))
        found.update((where, _fingerprint(array)) for where, array in arrays if not array.dtype.hasobject)
    return found


def _fingerprint(array: np.ndarray) -> bytes:
    digest = hashlib.blake2b(f"{array.dtype.str}{array.shape}".encode(), digest_size=16)
    for block in blocks(array.shape):
        digest.update(np.ascontiguousarray(array[block]).view(np.uint8).data if array.ndim else array.tobytes())
    return digest.digest()
