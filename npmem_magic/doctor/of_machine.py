"""Traps of the machine: threads and memory. Pure functions from the facts; a new one goes into `CHECKS`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..sizes import human
from .facts import Machine, Pool
from .finding import Checks, Finding

MIB, GIB = 1 << 20, 1 << 30
LITTLE = 0.1  # share of the memory below which what is free is little
KEPT = 64 * MIB  # bytes that malloc may keep before it is worth a word
_VARIABLES = {"openblas": "OPENBLAS_NUM_THREADS", "mkl": "MKL_NUM_THREADS", "blis": "BLIS_NUM_THREADS"}


# Threads -----------------------------------------------------------------------------------------------------------


def _several_openmp(machine: Machine) -> Iterator[Finding]:
    openmp = [pool for pool in machine.pools if pool.api == "openmp"]
    kinds = {pool.prefix.removeprefix("lib").rstrip("5") for pool in openmp}
    files = "; ".join(f"{pool.prefix} ({pool.path})" for pool in openmp)
    do = (
        "Install the packages that bring them from one source (all from conda-forge, or all from PyPI); until then set "
        "OMP_NUM_THREADS=1 before the kernel starts"
    )
    if {"iomp", "omp"} <= kinds:
        yield Finding(
            "trap", "two OpenMP runtimes", f"Intel's and LLVM's OpenMP are both loaded: {files}",
            "They share names inside of one process: programs are known to crash or to hang in it", do,
        )  # fmt: skip
    elif len(openmp) > 1:
        yield Finding(
            "caution", "two OpenMP runtimes", f"{len(openmp)} OpenMP runtimes are loaded: {files}",
            f"Each starts {openmp[0].threads} threads of its own and keeps their memory; where one calls the other, "
            "there are more threads than cores", do,
        )  # fmt: skip
    silenced = machine.environment.get("KMP_DUPLICATE_LIB_OK", "")
    by_threadpoolctl = silenced == "True" and "threadpoolctl" in machine.software.loaded  # it sets this on import
    if silenced.upper() in ("TRUE", "1") and (not by_threadpoolctl or len(openmp) > 1):
        yield Finding(
            "trap", "hidden OpenMP error", "KMP_DUPLICATE_LIB_OK is set",
            "It silences the error that two OpenMP runtimes are loaded; results may then be wrong without a word",
            "Unset it, and remove the second runtime: conda list | grep -i omp, pip list | grep -i openmp",
        )  # fmt: skip


def _several_blas(machine: Machine) -> Iterator[Finding]:
    blas = [pool for pool in machine.pools if pool.api == "blas"]
    if len(blas) > 1:
        yield Finding(
            "note", "several BLAS", f"{len(blas)} BLAS libraries are loaded: {'; '.join(map(_whose, blas))}",
            "Usual with packages from PyPI, which bring one each; every one keeps threads and work buffers, and what "
            "sets the threads of one leaves the others alone",
            "Set threads for all at once: threadpoolctl.threadpool_limits(n). conda-forge installs one BLAS for all",
        )  # fmt: skip


def _whose(pool: Pool) -> str:
    owner = re.search(r"([\w-]+)\.libs/", pool.path)
    return f"{owner[1] + chr(39) + 's ' if owner else ''}{pool.name} {pool.version}, {pool.threads} threads"


def _too_many_threads(machine: Machine) -> Iterator[Finding]:
    usable, cores = machine.cores.usable, machine.cores
    over = [pool for pool in machine.pools if pool.threads > usable]
    if not over and machine.software.numexpr_threads <= usable:
        return
    names = dict.fromkeys(
        _VARIABLES.get(pool.name, "OMP_NUM_THREADS") if pool.api == "blas" else "OMP_NUM_THREADS" for pool in over
    )
    who = [f"{pool.name if pool.api == 'blas' else pool.prefix} uses {pool.threads} threads" for pool in over]
    if machine.software.numexpr_threads > usable:
        who.append(f"numexpr uses {machine.software.numexpr_threads} threads")
        names["NUMEXPR_NUM_THREADS"] = None
    why = f"its cgroup grants {cores.quota:g} of" if cores.quota and cores.quota < cores.allowed else "it may use"
    of = f"{cores.machine} cores" if cores.quota and cores.quota < cores.allowed else f"{cores.allowed}"
    settings = " ".join(f"{name}={usable}" for name in names)
    yield Finding(
        "caution", "more threads than cores",
        f"{' and '.join(dict.fromkeys(who))}, but this process has {usable} cores ({why} {of})",
        "Threads that wait for a core make matrix products slower, often several times; each takes stack and buffers",
        f"Before the kernel starts: {settings}. In a running one: threadpoolctl.threadpool_limits({usable})",
    )  # fmt: skip


def _fork_and_gomp(machine: Machine) -> Iterator[Finding]:
    if machine.system != "Linux" or "multiprocessing" not in machine.software.loaded:
        return
    if any(pool.prefix == "libgomp" and pool.api == "openmp" for pool in machine.pools):
        yield Finding(
            "note", "fork after OpenMP", "GNU's OpenMP (libgomp) is loaded, and so is multiprocessing",
            "It does not survive a fork: a forked worker that uses it may wait for ever",
            'Start workers anew: multiprocessing.set_start_method("spawn"), or joblib, whose workers are not forked',
        )  # fmt: skip


# Memory ------------------------------------------------------------------------------------------------------------


def _little_memory(machine: Machine) -> Iterator[Finding]:
    room = machine.room
    if room.free < LITTLE * room.total or room.free < GIB // 2:
        whose = "of the container's limit" if room.limited_by == "cgroup" else "of the machine's memory"
        swaps = room.swap_free and room.limited_by == "machine"
        end = "the machine swaps, then kills" if swaps else "the kernel is killed without a traceback"
        yield Finding(
            "trap", "little memory", f"{human(room.free)} {whose} of {human(room.total)} are free",
            f"The next large array may be the last: {end}",
            "Shut down other kernels; del what is not needed (Out and _ hold results, too); ask %memsize beforehand",
        )  # fmt: skip
    if room.swapped > 64 * MIB:
        yield Finding(
            "caution", "swapped out", f"{human(room.swapped)} of this process are in swap",
            "Arrays that are read back from disk are thousands of times slower; the resident curve shows too little",
            "Free memory, or restart the kernel",
        )  # fmt: skip


def _container(machine: Machine) -> Iterator[Finding]:
    room = machine.room
    if room.limited_by == "cgroup" and room.total < room.machine:
        yield Finding(
            "caution", "container limit",
            f"The container may use {human(room.total)} of the machine's {human(room.machine)}",
            "Most tools (free, psutil, htop) show the machine's; at the limit the kernel is killed without a traceback",
            f"Plan with {human(room.total)}, of which {human(room.free)} are free now; %memsize does",
        )  # fmt: skip
    if room.address_limit is not None:
        yield Finding(
            "note", "address limit", f"This process may not map more than {human(room.address_limit)} (ulimit)",
            "Beyond it NumPy raises MemoryError; untouched memory counts, too",
            "ulimit -v and ulimit -d set it where the kernel is started",
        )  # fmt: skip


def _overcommit(machine: Machine) -> Iterator[Finding]:
    room = machine.room
    if room.overcommit == 2:
        yield Finding(
            "trap", "overcommit off",
            f"vm.overcommit_memory is 2: of {human(room.commit_limit)} that may be promised, "
            f"{human(room.committed)} are",
            "Every array counts in full when it is asked for, touched or not, and a fork asks for the whole kernel "
            "again: MemoryError comes while memory is free",
            "Avoid np.empty and np.zeros much larger than what is used; raise vm.overcommit_ratio, or add swap",
        )  # fmt: skip
    elif room.overcommit == 1:
        yield Finding(
            "caution", "overcommit always", "vm.overcommit_memory is 1: the system grants whatever is asked for",
            "There is no MemoryError: an array larger than the machine is granted, and the kernel dies filling it",
            "Ask %memsize first",
        )  # fmt: skip


def _kept_by_malloc(machine: Machine) -> Iterator[Finding]:
    heap = machine.heap
    if heap.kept is not None and heap.kept > max(KEPT, heap.resident // 10):
        yield Finding(
            "note", "kept by the allocator",
            f"malloc keeps {human(heap.kept)} that were freed; {human(heap.resident)} are resident",
            "Freed blocks of up to 32 MiB stay with the process for reuse, and a living block holds what lies below "
            "it; so the resident set does not fall after del",
            "%memdoctor --trim has it give back what it can. From the start: MALLOC_MMAP_THRESHOLD_=131072 in the "
            "environment returns larger blocks at once, for slower allocations",
        )  # fmt: skip


def _huge_pages(machine: Machine) -> Iterator[Finding]:
    if machine.huge_pages == "never" or (machine.huge_pages == "madvise" and not machine.numpy_asks_for_huge_pages):
        is_off = machine.huge_pages == "never"
        why = "the system grants none" if is_off else "NumPy does not ask (NUMPY_MADVISE_HUGEPAGE)"
        yield Finding(
            "caution", "no huge pages", f"Transparent huge pages are not used: {why}",
            "A fresh large array costs one fault for each 4 KiB; filling it for the first time took five times as long",
            "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled as root, and leave NUMPY_MADVISE_HUGEPAGE at 1",
        )  # fmt: skip
    if machine.huge_pages == "always":
        yield Finding(
            "note", "huge pages for all", "Transparent huge pages are given to everybody",
            "A touched byte takes 2 MiB, so sparse access makes more resident; after a fork each write copies 2 MiB",
            "madvise is the usual setting: NumPy asks for its large arrays itself",
        )  # fmt: skip
    if machine.huge_pages in ("always", "madvise") and "memory_profiler" in machine.software.loaded:
        yield Finding(
            "note", "forks by memory_profiler", "memory_profiler is loaded",
            "%memit and memory_usage() fork the kernel: until the child ends, writing into large arrays copies their "
            "huge pages, in measurements up to 15 times slower, and takes the memory twice",
            "%%memtrace does not fork; with memory_profiler keep the measured function small",
        )  # fmt: skip


CHECKS: Checks = (
    _several_openmp, _several_blas, _too_many_threads, _fork_and_gomp, _little_memory, _container, _overcommit,
    _kept_by_malloc, _huge_pages,
)  # fmt: skip
