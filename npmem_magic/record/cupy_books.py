"""CuPy's device memory: every allocation from its pool with its site, by the hook that CuPy offers.

The hook is CuPy's own and belongs to the thread that enters it, so other threads of the cell are not seen.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic_ns
from types import CodeType, FrameType
from typing import Any

from .steps import Steps

Followed = Callable[[CodeType], bool]


@dataclass(slots=True, eq=False)
class Site:
    """Bytes asked for at one instruction (`code` None: by no followed line) on one device; `live` are not freed yet."""

    code: CodeType | None
    offset: int
    device: int
    hits: int = 0
    gross: int = 0
    live: int = 0
    peak: int = 0

    @property
    def place(self) -> tuple[int, int, int, int]:
        """(line, column, end line, end column), columns as UTF-8 byte offsets; zeros where no line is known."""
        if self.code is None:
            return 0, 0, 0, 0
        line, end_line, col, end_col = list(self.code.co_positions())[self.offset // 2]
        return (line or 0, col or 0, end_line or line or 0, end_col or 0)


class CupyBooks:
    """What CuPy took from its pool and gave back between `start` and `stop`, in bytes as they were asked for."""

    def __init__(self, followed: Followed) -> None:
        self.sites: dict[tuple[CodeType | None, int, int], Site] = {}
        self.steps = Steps()
        self.by_pointer: dict[int, Site] = {}
        self._followed = followed
        self._living: dict[int, tuple[Site, int]] = {}
        self._hook: Any = None

    def start(self, cupy: Any) -> None:
        """Enter a hook of our own beside those that are there."""
        self._hook = _hook_class(cupy.cuda.MemoryHook)(self)
        self._hook.__enter__()

    def stop(self) -> None:
        """Leave the hook; nothing happens where there is none."""
        hook, self._hook = self._hook, None
        if hook is None:
            return
        try:
            hook.__exit__(None, None, None)
        except KeyError:  # the cell has cleared the hooks itself
            return

    def born(self, device: int, size: int, pointer: int, identity: int, frame: FrameType | None) -> None:
        """A block of `size` bytes was taken from the pool."""
        if not pointer:  # the pool had none left, and CuPy raises
            return
        site = self._site(device, frame)
        site.hits += 1
        site.gross += size
        site.live += size
        site.peak = max(site.peak, site.live)
        self._living[identity] = site, size
        self.by_pointer[pointer] = site
        self.steps.change(monotonic_ns(), size)

    def freed(self, size: int, identity: int) -> None:
        """A block went back; one from before the run counts with its rounded `size`."""
        site, size = self._living.pop(identity, (None, size))
        if site is not None:
            site.live -= size
        self.steps.change(monotonic_ns(), -size)

    def _site(self, device: int, frame: FrameType | None) -> Site:
        while frame is not None and not self._followed(frame.f_code):
            frame = frame.f_back
        key = (frame.f_code, frame.f_lasti, device) if frame is not None else (None, 0, device)
        if key not in self.sites:
            self.sites[key] = Site(*key)
        return self.sites[key]


def _hook_class(base: type) -> Any:
    """CuPy's hooks must be of its own class, which is there only once the user has imported it."""

    class NpmemHook(base):  # type: ignore[misc]  # its type is not known before
        name = "npmem_magic"

        def __init__(self, books: CupyBooks) -> None:
            self.books = books

        def malloc_postprocess(self, **told: int) -> None:
            size, pointer, identity = told["size"], told["mem_ptr"], told["pmem_id"]
            self.books.born(told["device_id"], size, pointer, identity, sys._getframe(1))

        def free_postprocess(self, **told: int) -> None:
            self.books.freed(told["mem_size"], told["pmem_id"])

    return NpmemHook
