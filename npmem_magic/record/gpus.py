"""GPUs: which devices this process may use, in CUDA's numbers, and their memory over a run. Nothing is set on them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..host import NpmemError, Unavailable
from ..trace import Curve, Device
from . import nvml
from .sampler import Samples

MODES = ("auto", "exact", "off")
_LIBRARIES = ("torch", "cupy", "jax", "tensorflow", "numba.cuda", "pycuda", "cudf")


@dataclass(frozen=True)
class Gpu:
    """A device as CUDA numbers it for this process, or a slice of one (MIG); bytes, None where the driver is silent."""

    index: int
    name: str
    uuid: str
    total: int | None
    used: int | None

    @property
    def free(self) -> int | None:
        """Bytes that nobody has taken."""
        return None if self.total is None or self.used is None else self.total - self.used

    @property
    def is_slice(self) -> bool:
        """Whether it is a MIG device."""
        return self.uuid.startswith("MIG-")


@dataclass(frozen=True, eq=False, repr=False)
class Found:
    """The GPUs of this process, what is to be said about them, and the versions of driver and CUDA."""

    gpus: tuple[Gpu, ...]
    notes: tuple[str, ...]
    driver: str
    cuda: str


_Table = tuple[list[tuple[nvml.Row, list[nvml.Row]]], tuple[str, str]]
_known: list[_Table | nvml.NoGpu] = []  # what NVML said, once it was asked
_told: list[str] = []  # absence is said once


def find(environment: Mapping[str, str] = os.environ, anew: bool = False) -> Found:
    """The GPUs that CUDA shows this process. NVML is asked once, and again when `anew`.

    Raises
    ------
    Unavailable
        When there is none, NVML cannot be used, or ``CUDA_VISIBLE_DEVICES`` hides them all.
    """
    if anew:
        forget()
    if not _known:
        try:
            _known.append(nvml.table())
        except nvml.NoGpu as error:
            _known.append(nvml.NoGpu(error.reason, error.remedy))  # its traceback holds the user's frames
    answer = _known[0]
    if isinstance(answer, nvml.NoGpu):
        raise Unavailable("GPU memory is not read", answer.reason, answer.remedy)
    table, (driver, cuda) = answer
    if not table:
        raise Unavailable("GPU memory is not read", "the driver finds no device")
    rows, notes = _visible(table, environment)
    if not rows:
        hidden = f"CUDA_VISIBLE_DEVICES={environment.get('CUDA_VISIBLE_DEVICES', '')!r} hides every device"
        raise Unavailable("GPU memory is not read", hidden)
    gpus = tuple(Gpu(at, name, uuid, total, used) for at, (uuid, name, total, used) in enumerate(rows))
    return Found(gpus, notes, driver, cuda)


def devices() -> tuple[tuple[str, int, int], ...]:
    """(name, bytes in all, bytes free now) of each GPU of this process; none where there is none, or it is silent."""
    try:
        found = find(anew=True).gpus
    except Unavailable:
        return ()
    return tuple((gpu.name, gpu.total, gpu.free) for gpu in found if gpu.total is not None and gpu.free is not None)


def forget() -> None:
    """Let `find` ask NVML again."""
    _known.clear()


def to_watch(mode: str, sampler: str = "auto") -> tuple[tuple[Gpu, ...], tuple[str, ...]]:
    """The GPUs to sample during a run, and sentences; that there is none is said once in a process.

    With `sampler` ``off`` nobody samples them.

    Raises
    ------
    NpmemError
        When `mode` is none of `MODES`.
    """
    if mode not in MODES:
        raise NpmemError(f"There is no GPU mode {mode!r}. Choose one of {', '.join(MODES)}.")
    if mode == "off":
        return (), ("GPU memory was not read (--gpu off).",)
    try:
        found = find()
    except Unavailable as missing:
        if str(missing) in _told:
            return (), ()
        _told.append(str(missing))
        return (), (str(missing),)
    if sampler == "off":
        return (), ("GPU memory was not sampled either; what CuPy and torch took is in their own books.",)
    return found.gpus, found.notes


def columns(gpus: Sequence[Gpu]) -> tuple[str, ...]:
    """The gauges of these devices: for each the bytes in use by all, then by this process."""
    return tuple(f"{nvml.GAUGE}{what}:{gpu.uuid}" for gpu in gpus for what in ("used", "own"))


# What CUDA shows ---------------------------------------------------------------------------------------------------


def _visible(
    table: list[tuple[nvml.Row, list[nvml.Row]]], environment: Mapping[str, str]
) -> tuple[list[nvml.Row], tuple[str, ...]]:
    """The rows in CUDA's order. CUDA takes one slice only, and no whole GPU beside it."""
    asked = _asked_of_torch(table)
    if asked is not None:
        return asked, ()
    every = [slices[0] if slices else row for row, slices in table]
    wanted = environment.get("CUDA_VISIBLE_DEVICES")
    rows = every if wanted is None else _listed(wanted, table, every)
    sliced = [row for row in rows if row[0].startswith("MIG-")]
    rows = sliced[:1] or rows
    numbers = wanted is None or any(part.strip().isdigit() for part in wanted.split(","))
    if numbers and len({row[1] for row in every}) > 1 and environment.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID":
        return rows, (
            "The GPUs are of different kinds, and CUDA counts the fastest first, the driver by slot: which is number 0 "
            "is certain only with CUDA_DEVICE_ORDER=PCI_BUS_ID, or with UUIDs in CUDA_VISIBLE_DEVICES.",
        )
    return rows, ()


def _listed(wanted: str, table: list[tuple[nvml.Row, list[nvml.Row]]], every: list[nvml.Row]) -> list[nvml.Row]:
    """What ``CUDA_VISIBLE_DEVICES`` names, up to the first entry that names nothing; no device may stand twice."""
    names = [each for row, slices in table for each in (row, *slices)]
    rows: list[nvml.Row] = []
    for part in wanted.split(","):
        entry = part.strip()
        if entry.isdigit():
            matching = every[int(entry) : int(entry) + 1]
        else:
            matching = [row for row in names if entry and row[0].startswith(entry)]
        if len(matching) != 1:
            break
        if matching[0] in rows:
            return []
        rows += matching
    return rows


def _asked_of_torch(table: list[tuple[nvml.Row, list[nvml.Row]]]) -> list[nvml.Row] | None:
    """The order that torch sees, once it uses the devices; None where it does not, or names none that is known."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return None
    by_uuid = {row[0]: row for row, slices in table if not slices}
    properties = [cuda.get_device_properties(at) for at in range(cuda.device_count())]
    uuids = [f"GPU-{getattr(each, 'uuid', '')}" for each in properties]
    return [by_uuid[uuid] for uuid in uuids] if uuids and all(uuid in by_uuid for uuid in uuids) else None


# Over a run --------------------------------------------------------------------------------------------------------


def over_the_run(
    gpus: Sequence[Gpu], samples: Samples, started: int, loaded: Callable[[], bool] | None = None
) -> tuple[tuple[Device, ...], tuple[Curve, ...], tuple[str, ...]]:
    """The devices with their peaks, the curves ``(time_ns, bytes of each above its start)``, and what is to be said.

    A device's curve is this process's own memory where the driver tells it, else that of all processes.
    """
    by_name = dict(zip(samples.gauges, samples.values, strict=True))
    devices, curves, notes = [], [np.maximum(samples.time_ns - started, 0)], []
    is_in_use = (loaded or _library_loaded)()
    for gpu in gpus:
        used, own = (by_name.get(name) for name in columns([gpu]))
        if used is None or own is None or not len(used):
            continue
        told = bool((own > 0).any()) or (not is_in_use and not (own < 0).any())
        if not told:
            notes.append(
                f"For {gpu.name} the driver does not tell what this process takes (a container, or its settings): the "
                "GPU curve is what all processes take."
            )
        curve = np.maximum(own, 0) if told else used
        curve = curve - curve[0]
        devices.append(
            Device(gpu.index, gpu.name, gpu.uuid, gpu.total or 0, int(used[0]), max(0, int(curve.max())), told)
        )
        curves.append(curve)
    return tuple(devices), tuple(curves) if devices else (curves[0][:0],) * 2, tuple(dict.fromkeys(notes))


def summed(curves: tuple[Curve, ...]) -> tuple[Curve, ...]:
    """All devices' bytes as one curve; none where there was no device, or no time."""
    return (np.sum(curves[1:], axis=0, dtype=np.int64),) if len(curves[0]) else ()


def _library_loaded() -> bool:
    return any(name in sys.modules for name in _LIBRARIES)
