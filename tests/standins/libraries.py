"""CuPy and torch as far as their books of device memory go: hooks called, statistics kept, as theirs do."""

from __future__ import annotations

import itertools
import threading
import types
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

_pointers = itertools.count(0x7F00_0000_0000, 1 << 32)
_local = threading.local()


def hooks() -> dict[str, Any]:
    """The hooks of this thread, by name."""
    if not hasattr(_local, "hooks"):
        _local.hooks = {}
    found: dict[str, Any] = _local.hooks
    return found


class MemoryHook:
    """The base class, with CuPy's protocol."""

    name = "MemoryHook"

    def __enter__(self) -> Any:
        if self.name in hooks():
            raise KeyError(self.name)
        hooks()[self.name] = self
        return self

    def __exit__(self, *_: object) -> None:
        del hooks()[self.name]

    def malloc_preprocess(self, **told: int) -> None: ...
    def malloc_postprocess(self, **told: int) -> None: ...
    def free_preprocess(self, **told: int) -> None: ...
    def free_postprocess(self, **told: int) -> None: ...


class DeviceArray:
    """An array of `nbytes` on the device: the pool rounds up to 512, and is told of birth and end."""

    def __init__(self, nbytes: int, device: int = 0, fails: bool = False) -> None:
        self.nbytes, self._device, self._size = nbytes, device, -(-nbytes // 512) * 512
        self.pointer = 0 if fails else next(_pointers)
        told = {"device_id": device, "size": nbytes, "mem_size": self._size}
        for hook in hooks().values():
            hook.malloc_preprocess(**told)
        identity = 0 if fails else id(self)
        for hook in hooks().values():
            hook.malloc_postprocess(**told, mem_ptr=self.pointer, pmem_id=identity)
        if fails:
            raise MemoryError("out of memory on the device")

    def __del__(self) -> None:
        if self.pointer:
            told = {"device_id": self._device, "mem_size": self._size, "mem_ptr": self.pointer, "pmem_id": id(self)}
            for hook in list(hooks().values()):
                hook.free_preprocess(**told)
            for hook in list(hooks().values()):
                hook.free_postprocess(**told)


def cupy() -> types.ModuleType:
    """A module that may stand as ``cupy``: `empty` makes an array of so many bytes."""
    module: Any = types.ModuleType("cupy")
    module.cuda = SimpleNamespace(MemoryHook=MemoryHook)
    module.empty = DeviceArray
    return module  # type: ignore[no-any-return]


class TorchCuda:
    """torch.cuda: per device what is allocated now, at most, and ever; nothing before `init`."""

    def __init__(self, devices: int = 1) -> None:
        self.stats = [dict.fromkeys(("current", "peak", "allocated", "freed"), 0) for _ in range(devices)]
        self.initialized = False
        self.resets = self.looks = 0
        self.broken = False

    def init(self) -> None:
        self.initialized = True

    def is_initialized(self) -> bool:
        return self.initialized

    def device_count(self) -> int:
        return len(self.stats)

    def memory_stats_as_nested_dict(self, device: int) -> dict[str, Any]:
        self.looks += 1
        if self.broken:
            raise RuntimeError("CUDA error: an illegal memory access was encountered\nCompile with ...")
        return {"allocated_bytes": {"all": dict(self.stats[device])}} if self.initialized else {}

    def reset_peak_memory_stats(self, device: int) -> None:
        self.resets += 1
        self.stats[device]["peak"] = self.stats[device]["current"]

    def change(self, delta: int, device: int) -> None:
        self.initialized = True
        told = self.stats[device]
        told["current"] += delta
        told["allocated" if delta > 0 else "freed"] += abs(delta)
        told["peak"] = max(told["peak"], told["current"])


class Tensor:
    """A tensor of `nbytes` on a device of `cuda`."""

    def __init__(self, cuda: TorchCuda, nbytes: int, device: int = 0) -> None:
        self._cuda, self.nbytes, self._device = cuda, nbytes, device
        cuda.change(nbytes, device)

    def __del__(self) -> None:
        self._cuda.change(-self.nbytes, self._device)


def torch(devices: int = 1, version: str | None = "13.0") -> types.ModuleType:
    """A module that may stand as ``torch``: `empty` makes a tensor of so many bytes."""
    module: Any = types.ModuleType("torch")
    module.cuda = TorchCuda(devices)
    module.version = SimpleNamespace(cuda=version)
    module.empty = lambda nbytes, device=0: Tensor(module.cuda, nbytes, device)
    return module  # type: ignore[no-any-return]


def no_hooks_left() -> bool:
    """Whether this thread's hooks are gone."""
    return not hooks()


def clear() -> Iterator[None]:
    """For a fixture: no hook of an earlier test."""
    hooks().clear()
    yield
    hooks().clear()
