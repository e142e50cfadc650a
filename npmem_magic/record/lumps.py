"""Which of the bytes that rose are still there: an estimate, for a ledger that sees totals and no addresses.

A rise of 4 KiB or more is kept as a lump: bytes of one site. A fall is matched with lumps, in the order in which code
lets go: what the name held that is bound anew or deleted, the locals of a function that has ended, the temporaries of
the running statement, then any lump of that size, the youngest first. The total is never above what is allocated.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import islice

BEFORE = -1  # the site of what was there before the run
LARGE = 4096  # bytes from which on a rise or a fall is followed one by one

_NEAR = 64  # lumps of one frame, one name or one size that are looked at; what lies further back is matched by age

Name = tuple[int, str]  # number of the code object for a function's local (0 for others), and the name


class Lump:
    """Bytes that one instruction took: a buffer, most often."""

    __slots__ = ("born", "is_alive", "name", "nbytes", "serial", "site")

    def __init__(self, nbytes: int, site: int, born: float, serial: int) -> None:
        self.nbytes, self.site, self.born, self.serial = nbytes, site, born, serial
        self.is_alive = True
        self.name: Name | None = None


class Hands:
    """What one running frame holds: temporaries, its locals, and the locals of the function that ended last."""

    __slots__ = ("bound", "leaving", "locals", "result", "temporaries")

    def __init__(self) -> None:
        self.temporaries: deque[Lump] = deque(maxlen=_NEAR)
        self.locals: deque[Lump] = deque(maxlen=_NEAR)
        self.leaving: list[Lump] = []
        self.bound: Lump | None = None
        self.result: Lump | None = None

    def take_over(self, ended: Hands, is_end: bool) -> None:
        """A frame that this one called has ended (then its locals go) or yields; its result is a temporary here."""
        self.leaving = [lump for lump in ended.locals if lump.is_alive] if is_end else []
        self.temporaries.extend(lump for lump in ended.temporaries if lump.is_alive and lump.name is None)
        self.result = self.temporaries[-1] if self.temporaries else None


def _fits(nbytes: int, fall: int) -> bool:
    """Whether a fall is that of so many bytes, give or take the Python objects around them."""
    return abs(nbytes - fall) <= 1024 + (fall >> 10)


class Lumps:
    """All lumps alive, and those that were alive at the peak and are not any more."""

    def __init__(self) -> None:
        self.total = self.count = self.freed_before = 0
        self.live: dict[int, Lump] = {}
        self.ghosts: list[Lump] = []
        self.of_site: dict[int, int] = {}
        self.peak_of_site: dict[int, int] = {}
        self.hits_of_site: dict[int, int] = {}
        self._peak_serial = 0
        self._bins: dict[int, list[Lump]] = {}
        self._named: dict[Name, deque[Lump]] = {}

    def add(self, nbytes: int, site: int, born: float, hands: Hands | None) -> Lump:
        """A rise; it is a temporary of the frame until a name is bound to it."""
        self.count += 1
        self.total += nbytes
        lump = self.live[self.count] = Lump(nbytes, site, born, self.count)
        self._bins.setdefault(nbytes >> 12, []).append(lump)
        now = self.of_site[site] = self.of_site.get(site, 0) + nbytes
        self.peak_of_site[site] = max(now, self.peak_of_site.get(site, 0))
        self.hits_of_site[site] = self.hits_of_site.get(site, 0) + 1
        if hands is not None:
            hands.temporaries.append(lump)
        return lump

    def add_before(self, nbytes: int, name: str) -> None:
        """A buffer that a name reaches when the run begins; it is part of no total."""
        if nbytes >= LARGE:
            self.count += 1
            lump = self.live[self.count] = Lump(nbytes, BEFORE, 0, self.count)
            self._bins.setdefault(nbytes >> 12, []).append(lump)
            lump.name = 0, name
            self._named[lump.name] = deque([lump], _NEAR)

    def mark_peak(self) -> None:
        """This is the moment to remember."""
        self._peak_serial = self.count
        if self.ghosts:
            self.ghosts = []

    def at_peak(self) -> Iterable[Lump]:
        """The lumps that were alive at the moment marked last, as large as they were then."""
        whole: dict[int, Lump] = {}
        living = [lump for lump in self.live.values() if lump.site > BEFORE and lump.serial <= self._peak_serial]
        for part in [*living, *self.ghosts]:
            found = whole.setdefault(part.serial, Lump(0, part.site, part.born, part.serial))
            found.nbytes += part.nbytes
            found.is_alive = part.serial in self.live
        return whole.values()

    def addresses(self, buffers: Mapping[int, tuple[str, int]]) -> dict[int, int]:
        """Where the living lumps are, by serial: in the buffers (address: name and bytes) that names reach now.

        A lump is known by the name that was bound to it, else by its size.
        """
        found: dict[int, int] = {}
        named = {name: address for address, (name, _) in buffers.items()}
        for lump in self.live.values():
            address = named.get(lump.name[1]) if lump.name else None
            if address is not None and _fits(buffers[address][1], lump.nbytes):
                found[lump.serial] = address
                del named[buffers[address][0]]
        of_size: dict[int, list[int]] = {}
        for address in reversed(named.values()):
            of_size.setdefault(buffers[address][1] >> 12, []).append(address)
        for lump in self.live.values():
            place = lump.nbytes >> 12
            stacks = (of_size.get(each) for each in (place, place - 1, place + 1))
            same = next((each for each in stacks if each and _fits(buffers[each[-1]][1], lump.nbytes)), None)
            if same and lump.serial not in found:
                found[lump.serial] = same.pop()
        return found

    def bind(self, name: Name, hands: Hands, is_bound: bool) -> None:
        """A name is about to be bound to the newest temporary (or to something small), or deleted."""
        hands.bound = None
        if not hands.temporaries:
            return
        alive = [lump for lump in hands.temporaries if lump.is_alive and lump.name is None]
        if not is_bound or not alive:
            return
        hands.bound = lump = alive[-1]
        lump.name = name
        hands.temporaries.remove(lump)
        self._named.setdefault(name, deque(maxlen=_NEAR)).append(lump)
        if name[0]:
            hands.locals.append(lump)

    def fall(self, nbytes: int, fresh: Lump | None, hands: Hands | None, name: Name | None) -> None:
        """So many bytes went; `fresh` is what the same instruction took, `name` what it binds or deletes."""
        left = nbytes
        if hands is not None:
            left -= self._let_go(left, fresh, hands, name)
        if left < LARGE:
            return
        if fresh is not None and fresh.is_alive and _fits(fresh.nbytes, left):
            self._drop(fresh)
            return
        if fresh is not None and fresh.nbytes > left:  # what a call makes for itself goes before what was there
            self._cut(fresh, left)
            return
        same = self._of_size(left, fresh)
        if same is not None:
            self._drop(same)
        elif left >= LARGE:
            self.shrink(left, fresh)

    def _let_go(self, nbytes: int, fresh: Lump | None, hands: Hands, name: Name | None) -> int:
        """Bytes of the fall that the frame's own names and temporaries explain."""
        left = nbytes
        if name is not None:
            left -= self._drop_first((lump for lump in self._of_name(name) if lump is not hands.bound), left)
        leaving, hands.leaving = hands.leaving, []
        left -= self._drop_fitting(leaving, left)
        # What a call answers outlives what it was given.
        temporaries = [lump for lump in hands.temporaries if lump.is_alive and lump not in (fresh, hands.result)]
        left -= self._drop_fitting(temporaries, left)
        hands.temporaries = deque((lump for lump in hands.temporaries if lump.is_alive), _NEAR)
        return nbytes - left

    def _drop_first(self, lumps: Iterable[Lump], fall: int) -> int:
        for lump in lumps:
            if lump.is_alive and lump.nbytes <= fall + 1024 + (fall >> 10):
                self._drop(lump)
                return lump.nbytes
        return 0

    def _drop_fitting(self, lumps: list[Lump], fall: int) -> int:
        """Drop the lump of that size, the youngest first; else all that fit into the fall."""
        if fall < LARGE or not lumps:
            return 0
        for lump in reversed(lumps):
            if _fits(lump.nbytes, fall):
                self._drop(lump)
                return lump.nbytes
        left = fall
        for lump in reversed(lumps):
            left -= self._drop_first((lump,), left)
        return fall - left

    def _of_name(self, name: Name) -> Iterable[Lump]:
        """The living lumps that a name was bound to, the youngest first."""
        found = self._named.get(name, ())
        while found and not found[-1].is_alive:
            found.pop()
        return reversed(found)

    def _of_size(self, nbytes: int, besides: Lump | None) -> Lump | None:
        for place in (nbytes >> 12, (nbytes >> 12) - 1, (nbytes >> 12) + 1):
            lumps = self._bins.get(place, [])
            while lumps and not lumps[-1].is_alive:
                lumps.pop()
            for lump in islice(reversed(lumps), _NEAR):
                if lump.is_alive and lump is not besides and _fits(lump.nbytes, nbytes):
                    return lump
        return None

    def shrink(self, nbytes: int, besides: Lump | None = None) -> None:
        """Take so many bytes off the youngest lumps, those of `besides` last."""
        while nbytes > 0 and self.live:
            youngest = [lump for lump in islice(reversed(self.live.values()), 1024) if lump is not besides]
            for lump in youngest or self.live.copy().values():
                part = min(nbytes, lump.nbytes)
                nbytes -= part
                if part == lump.nbytes:
                    self._drop(lump)
                elif part:
                    self._cut(lump, part)
                if not nbytes:
                    return

    def _cut(self, lump: Lump, nbytes: int) -> None:
        self._account_for(Lump(nbytes, lump.site, lump.born, lump.serial))
        lump.nbytes -= nbytes
        self._bins.setdefault(lump.nbytes >> 12, []).append(lump)

    def _drop(self, lump: Lump) -> None:
        lump.is_alive = False
        del self.live[lump.serial]
        self._account_for(lump)

    def _account_for(self, gone: Lump) -> None:
        if gone.site == BEFORE:
            self.freed_before += gone.nbytes
            return
        self.total -= gone.nbytes
        self.of_site[gone.site] -= gone.nbytes
        if gone.serial <= self._peak_serial:
            gone.is_alive = False
            self.ghosts.append(gone)
