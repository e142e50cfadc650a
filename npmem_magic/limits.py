"""How much memory there is for this process: the machine's, and the container's limit where there is one. A leaf."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_CGROUP = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60  # what version 1 shows where there is no limit is larger


@dataclass(frozen=True)
class Memory:
    """Bytes: `total` that this process may have, `free` of it now; `limited_by` is ``"machine"`` or ``"cgroup"``."""

    total: int
    free: int
    limited_by: str


def memory(proc: Path = _PROC, cgroup: Path = _CGROUP) -> Memory:
    """What this process may take, before the machine swaps or the container is killed."""
    whole = _machine(proc)
    groups = [found for each in _groups(proc, cgroup) if (found := _limit(each)) is not None]
    # Every group on the way up has its say; the one with least left decides.
    limits = [Memory(limit, max(0, limit - used), "cgroup") for limit, used in groups if limit < whole.total]
    return min([whole, *limits], key=lambda each: each.free)


def _machine(proc: Path) -> Memory:
    try:
        lines = (proc / "meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        import psutil

        found = psutil.virtual_memory()
        return Memory(int(found.total), int(found.available), "machine")
    fields = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines) if rest}
    return Memory(fields["MemTotal"], fields.get("MemAvailable", fields.get("MemFree", 0)), "machine")


def _groups(proc: Path, cgroup: Path) -> list[Path]:
    """The folders of this process's memory group and of those above it, in version 2 or 1."""
    try:
        lines = (proc / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    folders: list[Path] = []
    for line in lines:
        number, controllers, path = (*line.split(":", 2), "", "")[:3]
        if number != "0" and "memory" not in controllers.split(","):
            continue
        root = cgroup if number == "0" else cgroup / "memory"
        # Inside a container the path may be the host's, which is not there; then the root is the container's own.
        inner = root / path.lstrip("/")
        folders += [each for each in (inner, *inner.parents) if each == root or root in each.parents]
    return folders


def _limit(folder: Path) -> tuple[int, int] | None:
    """(limit, bytes used) of a group; None where it has no limit. Pages of files count as free: they can be dropped."""
    for limit_name, used_name in (
        ("memory.max", "memory.current"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            limit = (folder / limit_name).read_text(encoding="ascii").strip()
            used = int((folder / used_name).read_text(encoding="ascii"))
            statistics = (folder / "memory.stat").read_text(encoding="ascii").split()
        except (OSError, ValueError):
            continue
        if not limit.isdigit() or int(limit) >= _UNLIMITED:
            return None
        inactive = [
            int(n) for name, n in zip(statistics[::2], statistics[1::2], strict=False) if name == "inactive_file"
        ]
        return int(limit), max(0, used - (inactive[0] if inactive else 0))
    return None
