"""What is known of a machine and of this process in it: plain data, read by `look`, judged by the traps. In bytes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..record.gpus import Gpu


@dataclass(frozen=True)
class Pool:
    """A library with threads of its own: `api` is ``blas`` or ``openmp``, `name` what it is, `prefix` its file's."""

    api: str
    name: str
    prefix: str
    version: str
    path: str
    threads: int
    layer: str = ""


@dataclass(frozen=True)
class Software:
    """Versions. `blas` is what NumPy was built with; `refused` lists (package, version, the NumPy it wants)."""

    python: str
    numpy: str
    blas: str = ""
    has_blas: bool = True
    origin: str = "pip"
    packages: Mapping[str, str] = field(default_factory=dict)
    refused: tuple[tuple[str, str, str], ...] = ()
    numexpr_threads: int = 0
    loaded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cores:
    """Cores of the machine, those this process may run on, and the share of them that its cgroup grants (None: all)."""

    machine: int
    allowed: int
    quota: float | None = None

    @property
    def usable(self) -> int:
        """Threads that can run at one time."""
        return max(1, min(self.allowed, math.ceil(self.quota or self.allowed)))


@dataclass(frozen=True)
class Room:
    """Memory: `total` and `free` for this process, by `limited_by` (``machine`` or ``cgroup``); the machine's own.

    `overcommit` is Linux's ``vm.overcommit_memory`` (None elsewhere), `commit_limit` and `committed` its books;
    `swapped` is what of this process is swapped out; `address_limit` its RLIMIT_AS or RLIMIT_DATA.
    """

    total: int
    free: int
    limited_by: str
    machine: int
    swap: int = 0
    swap_free: int = 0
    swapped: int = 0
    overcommit: int | None = None
    commit_limit: int = 0
    committed: int = 0
    address_limit: int | None = None


@dataclass(frozen=True)
class Heap:
    """The allocator below NumPy. `in_use` and `kept` are malloc's (None where it does not tell); `arrays` what names
    reach; `released` what ``malloc_trim(0)`` gave back, None when nobody asked."""

    name: str
    resident: int
    arrays: int = 0
    in_use: int | None = None
    kept: int | None = None
    released: int | None = None
    preloaded: str = ""


@dataclass(frozen=True)
class Engine:
    """Who measures here, and why: the ledger, the line clock, the sampler, the kernel's own mark."""

    ledger: str
    why: str
    clock: str
    sampler: str
    marks: bool
    compiler: str = ""
    headers: bool = True
    others: tuple[str, ...] = ()
    is_tracing: bool = False


@dataclass(frozen=True)
class Devices:
    """GPUs, or the sentence that says why none is read; of torch's pool, bytes in use and held."""

    gpus: tuple[Gpu, ...] = ()
    missing: str = ""
    notes: tuple[str, ...] = ()
    driver: str = ""
    cuda: str = ""
    torch_in_use: int = 0
    torch_held: int = 0
    torch_without_cuda: str = ""


@dataclass(frozen=True)
class Machine:
    """Everything that was looked at. `huge_pages` is ``always``, ``madvise``, ``never`` or empty."""

    software: Software
    pools: tuple[Pool, ...]
    cores: Cores
    room: Room
    heap: Heap
    engine: Engine
    devices: Devices = Devices()
    system: str = "Linux"
    kernel: str = ""
    huge_pages: str = ""
    numpy_asks_for_huge_pages: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)
