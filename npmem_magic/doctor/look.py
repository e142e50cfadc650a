"""Reading the facts. Nothing here judges, and nothing is changed (but for `trim`, when asked)."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import sysconfig
import tracemalloc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import host, limits
from ..record import gauges, gpus, ledger
from . import heap, software
from .facts import Cores, Devices, Engine, Machine, Pool, Room

_SILENCER = "KMP_DUPLICATE_LIB_OK"
_PROC, _SYS = Path("/proc"), Path("/sys")
_NAMES = (
    "MALLOC_", "OMP_", "OPENBLAS_", "MKL_", "BLIS_", "KMP_", "GOMP_", "NUMEXPR_", "NUMPY_", "VECLIB_", "CUDA_VISIBLE",
)  # fmt: skip
_MORE = (
    "LD_PRELOAD", "PYTHONMALLOC", "PYTHONTRACEMALLOC", "CUDA_DEVICE_ORDER", "PYTORCH_ALLOC_CONF",
    "PYTORCH_CUDA_ALLOC_CONF", "XLA_PYTHON_CLIENT_PREALLOCATE", "XLA_PYTHON_CLIENT_MEM_FRACTION",
    "TF_FORCE_GPU_ALLOW_GROWTH", "NPMEM_LEDGER",
)  # fmt: skip


def machine(namespace: Mapping[str, object], trim: bool = False) -> Machine:
    """Everything that can be seen from here."""
    return Machine(
        software=software.software(),
        pools=pools(),
        cores=cores(),
        room=room(),
        heap=heap.heap(namespace, trim),
        engine=engine(),
        devices=devices(),
        system=platform.system(),
        kernel=platform.release(),
        huge_pages=_chosen(_read(_SYS / "kernel/mm/transparent_hugepage/enabled")),
        numpy_asks_for_huge_pages=_numpy_asks(),
        environment={
            name: value for name, value in sorted(os.environ.items()) if name.startswith(_NAMES) or name in _MORE
        },
    )


def _read(path: Path) -> str:
    """The text of a small file; empty where it is not there or may not be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _chosen(words: str) -> str:
    """Of ``always [madvise] never`` the word in brackets."""
    return words.partition("[")[2].partition("]")[0]


def _numpy_asks() -> bool:
    core: Any = getattr(np, "_core" if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else "core")
    asks = getattr(core.multiarray, "_get_madvise_hugepage", None)
    return bool(asks()) if asks else False


def pools() -> tuple[Pool, ...]:
    """The BLAS and OpenMP libraries that this process has loaded."""
    silenced = os.environ.get(_SILENCER)
    import threadpoolctl

    if silenced is None:  # importing it sets this one, which is the user's
        os.environ.pop(_SILENCER, None)
    return tuple(
        Pool(
            api=each["user_api"],
            name=each["internal_api"],
            prefix=each["prefix"],
            version=str(each.get("version") or ""),
            path=each["filepath"],
            threads=int(each["num_threads"] or 0),
            layer=str(each.get("threading_layer") or ""),
        )
        for each in threadpoolctl.threadpool_info()
    )


# Cores and memory --------------------------------------------------------------------------------------------------


def cores(proc: Path = _PROC, cgroup: Path = _SYS / "fs/cgroup") -> Cores:
    """Cores, and what the cgroup grants of them: the smallest quota on the way up."""
    every = os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else every
    return Cores(every, allowed, min(_quotas(proc, cgroup), default=None))


def _quotas(proc: Path, cgroup: Path) -> Iterator[float]:
    for line in _read(proc / "self/cgroup").splitlines():
        number, controllers, path = (*line.split(":", 2), "", "")[:3]
        if number != "0" and "cpu" not in controllers.split(","):
            continue
        roots = [cgroup] if number == "0" else [cgroup / "cpu", cgroup / controllers]
        for root in roots:
            inner = root / path.lstrip("/")
            for folder in (inner, *inner.parents):
                if folder == root or root in folder.parents:
                    yield from _quota(folder)


def _quota(folder: Path) -> Iterator[float]:
    words = _read(folder / "cpu.max").split()
    words = words or [_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")]
    if len(words) == 2 and words[0].isdigit() and words[1].isdigit() and int(words[1]):
        yield int(words[0]) / int(words[1])


def room(proc: Path = _PROC, cgroup: Path = _SYS / "fs/cgroup") -> Room:
    """Memory, swap, and how the system answers who asks for more."""
    ours = limits.memory(proc, cgroup)
    meminfo = _fields(_read(proc / "meminfo")) or _by_psutil()
    overcommit = _read(proc / "sys/vm/overcommit_memory")
    return Room(
        total=ours.total,
        free=ours.free,
        limited_by=ours.limited_by,
        machine=meminfo.get("MemTotal", ours.total),
        swap=meminfo.get("SwapTotal", 0),
        swap_free=meminfo.get("SwapFree", 0),
        swapped=_fields(_read(proc / "self/status")).get("VmSwap", 0),
        overcommit=int(overcommit) if overcommit.isdigit() else None,
        commit_limit=meminfo.get("CommitLimit", 0),
        committed=meminfo.get("Committed_AS", 0),
        address_limit=_address_limit(),
    )


def _fields(text: str) -> dict[str, int]:
    """``Name:  12 kB`` lines as bytes."""
    pairs = ((name, rest.split()) for name, _, rest in (line.partition(":") for line in text.splitlines()))
    return {name: int(words[0]) * 1024 for name, words in pairs if len(words) == 2 and words[1] == "kB"}


def _by_psutil() -> dict[str, int]:
    import psutil

    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    return {"MemTotal": int(memory.total), "SwapTotal": int(swap.total), "SwapFree": int(swap.free)}


def _address_limit() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    found = [resource.getrlimit(getattr(resource, name))[0] for name in ("RLIMIT_AS", "RLIMIT_DATA")]
    return min((each for each in found if each != resource.RLIM_INFINITY), default=None)


# Who measures ------------------------------------------------------------------------------------------------------


def engine() -> Engine:
    """The ledger, clock and sampler that a trace would take now, and why."""
    try:
        chosen, why = ledger.choose()
        name = chosen.name
    except host.NpmemError as error:
        name, why = "none", str(error)
    gauge = gauges.resident_gauge()
    return Engine(
        ledger=name,
        why=why,
        clock="sys.monitoring" if host.HAS_MONITORING else "the trace function (Python 3.11)",
        sampler=f"a helper process that reads {'/proc' if gauge == 'statm' else gauge}",
        marks=gauges.high_water() is not None and os.access("/proc/self/clear_refs", os.W_OK),
        compiler=_compiler(),
        headers=Path(sysconfig.get_paths()["include"], "Python.h").exists(),
        others=tuple(_other_tools()),
        is_tracing=tracemalloc.is_tracing(),
    )


def _compiler() -> str:
    """The path of the C compiler that an installation would use; empty when there is none."""
    wanted = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    found = shutil.which(wanted) or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    return found or ""


def _other_tools() -> Iterator[str]:
    """Who else listens to this interpreter: debuggers, coverage, profilers."""
    tracing = sys.gettrace()
    if tracing is not None:
        yield f"trace function of {getattr(tracing, '__module__', None) or type(tracing).__module__}"
    monitoring: Any = getattr(sys, "monitoring", None)
    if monitoring is not None:
        yield from (name for tool in range(6) if (name := monitoring.get_tool(tool)))


def devices() -> Devices:
    """GPUs as NVML tells of them now, and torch's pool where torch uses one."""
    in_use, held, without = software.torch_pool()
    try:
        found = gpus.find(anew=True)
    except host.Unavailable as missing:
        return Devices(missing=str(missing), torch_in_use=in_use, torch_held=held)
    return Devices(found.gpus, "", found.notes, found.driver, found.cuda, in_use, held, without)
