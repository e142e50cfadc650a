"""Versions: of Python, NumPy and its friends, and what these say of each other."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .facts import Software

FRIENDS = (
    "numexpr", "scipy", "pandas", "matplotlib", "numba", "scikit-learn", "torch", "cupy", "jax", "tensorflow",
    "pyarrow", "h5py", "tables", "xarray", "dask", "polars", "opencv-python", "scikit-image", "statsmodels",
    "bottleneck", "ipython", "ipykernel", "memory_profiler", "psutil",
)  # fmt: skip
_MODULES = (
    "torch", "cupy", "jax", "tensorflow", "numexpr", "memory_profiler", "multiprocessing", "joblib", "numba",
    "threadpoolctl",
)  # fmt: skip


def software() -> Software:
    """What is installed, and what of it is loaded."""
    packages = dict(_versions())
    blas = _blas()
    numexpr: Any = sys.modules.get("numexpr")
    return Software(
        python=f"{platform.python_implementation()} {platform.python_version()}{_build()}",
        numpy=np.__version__,
        blas=" ".join(filter(None, (str(blas.get("name", "")), str(blas.get("version", ""))))),
        has_blas=bool(blas.get("found", True)),
        origin="conda" if Path(sys.prefix, "conda-meta").is_dir() else "pip",
        packages=packages,
        refused=tuple(_refused(packages, np.__version__)),
        numexpr_threads=int(getattr(numexpr, "nthreads", 0) or 0),
        loaded=tuple(name for name in _MODULES if name in sys.modules),
    )


def _build() -> str:
    free = ", free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return free + (", debug build" if hasattr(sys, "gettotalrefcount") else "")


def _versions() -> Iterator[tuple[str, str]]:
    for name in FRIENDS:
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    for path in sorted({path for path in sys.path if path and "site-packages" in path and os.path.isdir(path)}):
        for folder in sorted(Path(path).glob("cupy_cuda*.dist-info")):
            yield "cupy", folder.name.split("-")[1]


def _blas() -> Mapping[str, Any]:
    """What NumPy says of the BLAS it was built with."""
    config: Any = np.show_config(mode="dicts")
    found: Mapping[str, Any] = (config or {}).get("Build Dependencies", {}).get("blas", {})
    return found


def _refused(packages: Mapping[str, str], numpy: str) -> Iterator[tuple[str, str, str]]:
    """(package, version, what it asks for) of packages that ask for another NumPy than there is."""
    from packaging.requirements import Requirement

    for name, version in packages.items():
        try:
            wanted = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:  # CuPy goes by several names
            continue
        for requirement in map(Requirement, wanted):
            if requirement.name.lower() != "numpy" or (requirement.marker and not requirement.marker.evaluate()):
                continue
            if not requirement.specifier.contains(numpy, prereleases=True):
                yield name, version, f"numpy{requirement.specifier}"


def torch_pool() -> tuple[int, int, str]:
    """Bytes that torch uses of its pool and holds in it, over all devices; and its version if it has no CUDA."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return 0, 0, ""
    if getattr(torch.version, "cuda", None) is None:
        return 0, 0, str(torch.__version__)
    if not torch.cuda.is_initialized():
        return 0, 0, ""
    devices = range(torch.cuda.device_count())
    return sum(map(torch.cuda.memory_allocated, devices)), sum(map(torch.cuda.memory_reserved, devices)), ""
