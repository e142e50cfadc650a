"""NVML: what NVIDIA's driver tells of its devices. Read, never set. The only file that imports pynvml, on first use.

The sampler's helper process loads this file by itself, without the package, as it does `gauges`; so it imports the
standard library only at its top.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType

Reader = Callable[[], int]


class NoGpu(Exception):
    """Why no device can be read: `reason` in words, and what to do about it, perhaps nothing."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        self.reason, self.remedy = reason, remedy
        super().__init__(reason)


_REMEDIES = {
    "NVMLError_LibRmVersionMismatch": "Restart the machine: the driver was updated while it ran",
    "NVMLError_DriverNotLoaded": "Load the kernel module (`nvidia-smi` says more)",
    "NVMLError_NoPermission": "Ask for access to the devices, for instance with --gpus all for a container",
}


def _load() -> ModuleType:
    """pynvml, its library initialized; end with ``nvmlShutdown()``. Raises NoGpu."""
    try:
        import pynvml
    except ImportError as error:
        raise NoGpu(f"pynvml cannot be imported ({error})", "pip install nvidia-ml-py") from error
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        if isinstance(error, pynvml.NVMLError_LibraryNotFound):
            raise NoGpu("there is no NVIDIA driver on this machine (its library NVML is not there)") from error
        raise NoGpu(f"NVML does not start: {error}", _REMEDIES.get(type(error).__name__, "")) from error
    module: ModuleType = pynvml
    return module


# One device, or one slice of it (MIG): its UUID, name, bytes in all and in use; None where the driver does not say.
Row = tuple[str, str, int | None, int | None]


def table() -> tuple[list[tuple[Row, list[Row]]], tuple[str, str]]:
    """Every NVIDIA device of the machine in PCI order, each with its MIG slices; and driver and CUDA version.

    Raises
    ------
    NoGpu
        Where there is none, or it cannot be read.
    """
    lib = _load()
    try:
        handles = [lib.nvmlDeviceGetHandleByIndex(at) for at in range(lib.nvmlDeviceGetCount())]
        rows = [(_row(lib, handle), [_row(lib, each) for each in _slices(lib, handle)]) for handle in handles]
        cuda = lib.nvmlSystemGetCudaDriverVersion_v2()
        return rows, (lib.nvmlSystemGetDriverVersion(), f"{cuda // 1000}.{cuda % 1000 // 10}")
    except lib.NVMLError as error:
        raise NoGpu(f"NVML cannot list the devices: {error}", _REMEDIES.get(type(error).__name__, "")) from error
    finally:
        lib.nvmlShutdown()


def _row(lib: ModuleType, handle: object) -> Row:
    total: int | None = None
    used: int | None = None
    try:
        memory = lib.nvmlDeviceGetMemoryInfo(handle)
        total, used = int(memory.total), int(memory.used)
    except (lib.NVMLError_NotSupported, lib.NVMLError_NoPermission):  # no memory of its own; only slices may be read
        pass
    return lib.nvmlDeviceGetUUID(handle), lib.nvmlDeviceGetName(handle), total, used


def _slices(lib: ModuleType, handle: object) -> list[object]:
    """The MIG devices of a GPU; none where it is not divided."""
    try:
        if lib.nvmlDeviceGetMigMode(handle)[0] != lib.NVML_DEVICE_MIG_ENABLE:
            return []
        places = range(lib.nvmlDeviceGetMaxMigDeviceCount(handle))
    except lib.NVMLError:  # this kind of GPU cannot be divided
        return []
    found = []
    for place in places:
        try:
            found.append(lib.nvmlDeviceGetMigDeviceHandleByIndex(handle, place))
        except lib.NVMLError:  # places need not be filled in order
            continue
    return found


GAUGE = "gpu:"  # how the names of these gauges begin: ``gpu:used:UUID``, ``gpu:own:UUID``
UNKNOWN = -1  # what a reader gives where the driver does not tell


class Readers:
    """The gauges of one process, read no more often than every `PERIOD`, and for about a tenth of the time at most.

    Nothing is ever set on a device. Readers never raise: when NVML fails, `trouble` is its error's number, and every
    reader repeats what it gave last.
    """

    PERIOD = 2_000_000  # ns; a reading takes 10 us to some ms, depending on the driver
    SELDOM = 100_000_000  # ns; however long a reading took: on a busy machine it may have waited for a core

    def __init__(self) -> None:
        self.trouble = 0
        self._lib: ModuleType | None = None
        self._handles: dict[str, object] = {}
        self._columns: dict[tuple[str, str], int] = {}
        self._pid = self._due = 0

    def open(self, name: str, pid: int) -> Reader:
        """Bytes in use on a device: ``used`` by everybody, ``own`` by process `pid` (`UNKNOWN` if not told)."""
        _, what, uuid = name.split(":", 2)
        self._pid = pid
        self._columns[uuid, what] = UNKNOWN if what == "own" else 0

        def read() -> int:
            started = time.monotonic_ns()
            if self._lib is not None and started >= self._due:
                self._guarded(self._look)
                now = time.monotonic_ns()
                self._due = now + min(max(self.PERIOD, 10 * (now - started)), self.SELDOM)
            return self._columns[uuid, what]

        return read

    def begin(self) -> None:
        """Load the library and find what was opened: from some ms to a second, so before a run waits for it."""
        if self._columns:
            self._guarded(self._find)

    def _find(self) -> None:
        self._lib = _load()
        self._handles = {uuid: self._lib.nvmlDeviceGetHandleByUUID(uuid) for uuid, _ in self._columns}

    def _guarded(self, work: Callable[[], None]) -> None:
        if self.trouble:
            return
        try:
            work()
        except NoGpu as error:
            self.trouble = int(getattr(error.__cause__, "value", -1))
        except Exception as error:
            if self._lib is None or not isinstance(error, self._lib.NVMLError):
                raise
            self.trouble = int(error.value)

    def _look(self) -> None:
        assert self._lib is not None
        for uuid, what in self._columns:
            handle = self._handles[uuid]
            used = self._used_by_us if what == "own" else self._used
            self._columns[uuid, what] = used(self._lib, handle)

    @staticmethod
    def _used(lib: ModuleType, handle: object) -> int:
        return int(lib.nvmlDeviceGetMemoryInfo(handle).used)

    def _used_by_us(self, lib: ModuleType, handle: object) -> int:
        """What the driver says of our process: 0 also where it numbers processes otherwise, as outside a container."""
        try:
            found = lib.nvmlDeviceGetComputeRunningProcesses(handle)
        except (lib.NVMLError_NotSupported, lib.NVMLError_NoPermission, lib.NVMLError_FunctionNotFound):
            return UNKNOWN
        ours = [process.usedGpuMemory for process in found if process.pid == self._pid]
        return UNKNOWN if None in ours else sum(ours)


def words(trouble: int) -> str:
    """NVML's own words for the number of an error."""
    import pynvml

    return str(pynvml.NVMLError(trouble)) if trouble > 0 else "it could not be loaded"
