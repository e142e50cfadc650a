"""Arrays inside of other libraries' objects: pandas, xarray, torch, CuPy. Only libraries that are loaded are asked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

_PANDAS = ("DataFrame", "Series", "Index")


@dataclass(frozen=True)
class Part:
    """A piece of another library's object.

    `array` where it is a NumPy array; else `shape`, `dtype` in words, `nbytes`, and `identity`, the same for pieces
    that share their bytes. `kind` says whose it is: ``pandas``, ``pandas, pyarrow``, ``torch on cuda:0``; `on_device`
    that the bytes are a GPU's.
    """

    path: str
    kind: str
    array: np.ndarray | None = None
    shape: tuple[int, ...] = ()
    dtype: str = ""
    nbytes: int = 0
    identity: object = None
    on_device: bool = False


def parts_of(name: str, value: Any) -> Iterator[Part]:
    """The pieces of an object of a library that is known; nothing for any other object."""
    module = str(type(value).__module__)
    library = module.partition(".")[0]
    if library == "pandas":
        yield from _pandas(name, value)
    elif library == "xarray":
        yield from _xarray(name, value)
    elif library == "torch":
        yield from _torch(name, value)
    elif library == "cupy" and type(value).__name__ == "ndarray":
        yield Part(
            name, f"CuPy on {value.device}", None, tuple(value.shape), str(value.dtype), int(value.nbytes),
            ("cupy", int(value.data.mem.ptr)), True,
        )  # fmt: skip


def _pandas(name: str, value: Any) -> Iterator[Part]:
    pandas = sys.modules.get("pandas")
    if pandas is None:
        return
    if type(value) is pandas.DataFrame:
        labels = list(value.columns)
        for at, label in enumerate(labels):
            key = repr(label) if isinstance(label, (str, int, float, tuple)) else f"column {at}"
            yield from _column(f"{name}[{key}]", value._mgr.iget_values(at))
        yield from _column(f"{name}.index", value.index.array)
    elif type(value) is pandas.Series:
        yield from _column(name, value.array)
        yield from _column(f"{name}.index", value.index.array)
    elif isinstance(value, pandas.Index) and type(value).__module__.partition(".")[0] == "pandas":
        yield from _column(name, value.array)


def _column(path: str, values: Any) -> Iterator[Part]:
    """A column's own storage: one array, an array with its mask, codes with categories, or Arrow's buffers."""
    if isinstance(values, np.ndarray):
        yield Part(path, "pandas", values)
        return
    kind = f"pandas, {values.dtype}"
    arrow = getattr(values, "_pa_array", None)
    if arrow is not None:
        yield Part(
            path, "pandas, pyarrow", None, (len(values),), str(values.dtype), int(arrow.nbytes), ("arrow", id(arrow))
        )
        return
    for attribute, more in (("_ndarray", ""), ("_data", ""), ("_mask", " (mask)")):
        inner = getattr(values, attribute, None)
        if isinstance(inner, np.ndarray):
            yield Part(path + more, "pandas" if type(values).__name__ == "NumpyExtensionArray" else kind, inner)


def _xarray(name: str, value: Any) -> Iterator[Part]:
    if type(value).__name__ == "DataArray":
        yield from _variable(name, value.variable)
        named = value.coords.items()
    elif type(value).__name__ == "Dataset":
        named = value.variables.items()
    elif type(value).__name__ == "Variable":
        yield from _variable(name, value)
        return
    else:
        return
    for key, variable in named:
        yield from _variable(f"{name}[{key!r}]", getattr(variable, "variable", variable))


def _variable(path: str, variable: Any) -> Iterator[Part]:
    data = variable._data  # `.data` would read a file that is opened lazily
    inner = getattr(data, "array", data)
    if isinstance(inner, np.ndarray):
        yield Part(path, "xarray", inner)


def _torch(name: str, value: Any) -> Iterator[Part]:
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(value, torch.Tensor):
        return
    storage = value.untyped_storage()
    device = str(value.device)
    yield Part(
        name, f"torch on {device}", None, tuple(value.shape), str(value.dtype).removeprefix("torch."),
        int(storage.nbytes()), ("torch", device, int(storage.data_ptr())), not device.startswith("cpu"),
    )  # fmt: skip
