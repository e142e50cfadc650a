"""describe(checkup) -> Sheet: what the doctor found, and below it what was looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..doctor import Checkup, Machine
from ..sizes import human
from .sheet import Case, Listing, Piece, Sheet

_COUNTED = {"trap": "traps", "caution": "cautions", "note": "notes"}


def describe(checkup: Checkup) -> Sheet:
    """The report as data."""
    machine = checkup.machine
    counts = [(weight, sum(each.weight == weight for each in checkup.findings)) for weight in _COUNTED]
    found = [f"{count} {weight if count == 1 else _COUNTED[weight]}" for weight, count in counts if count]
    cases: list[Piece] = [Case(each.weight, each.seen, each.matters, each.do) for each in checkup.findings]
    return Sheet(
        kind="memdoctor",
        amount=" and ".join(filter(None, (", ".join(found[:-1]), found[-1]))) if found else "Nothing to worry about",
        rest=" found" if found else "",
        facts=(
            f"NumPy {machine.software.numpy}",
            f"{machine.cores.usable} cores",
            f"{human(machine.room.free)} of {human(machine.room.total)} free",
            f"{machine.engine.ledger} ledger",
            *(f"{len(gpus)} GPU{'s' if len(gpus) > 1 else ''}" for gpus in [machine.devices.gpus] if gpus),
        ),
        pieces=(*cases, *_listings(machine)),
    )


def _listings(machine: Machine) -> Iterator[Listing]:
    parts = (
        ("Software", _software(machine)), ("Threads", _threads(machine)), ("Memory", _memory(machine)),
        ("Allocator", _allocator(machine)), ("Measuring", _measuring(machine)), ("GPU", _gpu(machine)),
        ("Environment", iter(machine.environment.items())),
    )  # fmt: skip
    for title, rows in parts:
        if listed := tuple(rows):
            yield Listing(title, listed)


def _software(machine: Machine) -> Iterator[tuple[str, str]]:
    software = machine.software
    yield "Python", f"{software.python}, packages from {software.origin}"
    yield "NumPy", f"{software.numpy}, built with {software.blas or 'no BLAS'}"
    others = dict(software.packages)
    if numexpr := others.pop("numexpr", ""):
        threads = f", {software.numexpr_threads} threads" if software.numexpr_threads else ", not loaded"
        yield "numexpr", numexpr + threads
    if others:
        yield "beside it", ", ".join(f"{name} {version}" for name, version in others.items())


def _threads(machine: Machine) -> Iterator[tuple[str, str]]:
    cores = machine.cores
    quota = f", of which the cgroup grants {cores.quota:g}" if cores.quota else ""
    bound = f", {cores.allowed} for this process" if cores.allowed != cores.machine else ""
    yield "cores", f"{cores.machine}{bound}{quota}"
    for pool in machine.pools:
        layer = f", {pool.layer}" if pool.layer else ""
        name = f"{pool.name if pool.api == 'blas' else pool.prefix} {pool.version}".strip()
        yield (
            pool.api.replace("blas", "BLAS").replace("openmp", "OpenMP"),
            (f"{name}, {pool.threads} threads{layer}: {_short(pool.path)}"),
        )
    if not machine.pools:
        yield "BLAS, OpenMP", "no library with threads of its own is loaded"


def _short(path: str) -> str:
    """The file and the folder it lies in: enough to see whose it is."""
    return "/".join(re.split(r"[\\/]", path)[-2:])


def _memory(machine: Machine) -> Iterator[tuple[str, str]]:
    room = machine.room
    whose = "the container's limit" if room.limited_by == "cgroup" else "the machine's"
    yield "free", f"{human(room.free)} of {human(room.total)}, {whose}"
    if room.limited_by == "cgroup":
        yield "machine", human(room.machine)
    yield "swap", f"{human(room.swap_free)} of {human(room.swap)} free" if room.swap else "none"
    if room.overcommit is not None:
        words = ("the system judges each request", "everything is granted", "the system keeps to its books")
        limit = f", {human(room.committed)} of {human(room.commit_limit)} promised" if room.overcommit == 2 else ""
        yield "overcommit", f"{room.overcommit}: {words[min(2, room.overcommit)]}{limit}"
    if machine.huge_pages:
        asks = "" if machine.numpy_asks_for_huge_pages else ", NumPy does not ask"
        yield "huge pages", f"{machine.huge_pages}{asks}"
    if room.address_limit is not None:
        yield "ulimit", human(room.address_limit)


def _allocator(machine: Machine) -> Iterator[tuple[str, str]]:
    heap = machine.heap
    yield "who", heap.name + (" (stands in for the C library's)" if heap.preloaded else "")
    yield "resident", f"{human(heap.resident)}; arrays that names reach: {human(heap.arrays)}"
    if heap.in_use is not None and heap.kept is not None:
        yield "malloc", f"{human(heap.in_use)} given out, {human(heap.kept)} freed and kept for reuse"
    if heap.released is not None:
        yield "trimmed", f"malloc_trim(0) gave back {human(heap.released)}"
    elif heap.kept is not None:
        yield "trim", "%memdoctor --trim measures what malloc_trim(0) gives back; it does no harm"


def _measuring(machine: Machine) -> Iterator[tuple[str, str]]:
    engine = machine.engine
    yield "bytes", engine.why
    yield "lines", f"timed by {engine.clock}"
    mark = "its peak from the kernel's own mark" if engine.marks else "its peak from the samples: no mark to reset here"
    yield "resident", f"read by {engine.sampler}; {mark}"


def _gpu(machine: Machine) -> Iterator[tuple[str, str]]:
    devices = machine.devices
    for gpu in devices.gpus:
        if gpu.total is None or gpu.free is None:
            room = "the driver does not tell its memory"
        else:
            room = f"{human(gpu.free)} of {human(gpu.total)} free"
        yield f"GPU {gpu.index}", f"{gpu.name}{', a slice (MIG)' if gpu.is_slice else ''}: {room}, {gpu.uuid}"
    if devices.gpus:
        yield "driver", f"{devices.driver}, for CUDA up to {devices.cuda}"
    if devices.torch_held:
        yield "torch", f"{human(devices.torch_in_use)} in use of {human(devices.torch_held)} held in its pool"
    if devices.missing:
        yield "none", devices.missing
