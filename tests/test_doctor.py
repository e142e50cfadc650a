"""The doctor: on fakes of each trap, on a machine where all is well, and on this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tracing
from IPython.core.interactiveshell import InteractiveShell

from npmem_magic import doctor, render
from npmem_magic.doctor import heap, look, of_software, software
from npmem_magic.doctor.facts import Cores, Devices, Engine, Heap, Machine, Pool, Room, Software
from npmem_magic.record import gauges
from npmem_magic.record.gpus import Gpu

GIB, MIB = 2**30, 2**20
ROOT = Path(__file__).parents[1]
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def pool(prefix: str = "libscipy_openblas", threads: int = 4, api: str = "blas", name: str = "openblas") -> Pool:
    return Pool(api, name, prefix, "0.3", f"/site/numpy.libs/{prefix}.so", threads)


WELL = Machine(
    software=Software("CPython 3.12.1", "2.5.5", "scipy-openblas 0.3", packages={"scipy": "1.18.1", "pandas": "3.1"}),
    pools=(pool(), pool("libgomp", 4, "openmp", "openmp")),
    cores=Cores(4, 4),
    room=Room(64 * GIB, 40 * GIB, "machine", 64 * GIB, 8 * GIB, 8 * GIB, overcommit=0),
    heap=Heap("glibc 2.36", GIB, 900 * MIB, 950 * MIB, 10 * MIB),
    engine=Engine("native", "Counted by the native ledger.", "sys.monitoring", "a helper process", True, "/usr/bin/cc"),
    kernel="6.18.1",
    huge_pages="madvise",
)


def with_(**parts: Any) -> Machine:
    """The machine where all is well, with some facts of its parts changed: ``room={"free": 0}``."""
    changed = {
        name: replace(getattr(WELL, name), **new) if isinstance(new, dict) and name != "environment" else new
        for name, new in parts.items()
    }
    return replace(WELL, **changed)


def found(machine: Machine) -> dict[str, str]:
    return {finding.about: finding.weight for finding in doctor.findings(machine)}


# Leave alone


def test_where_all_is_well_nothing_is_found() -> None:
    assert found(WELL) == {}


HARMLESS = {
    "as many threads as the quota rounded up": with_(cores=Cores(64, 64, 3.5)),
    "a cgroup that takes nothing": with_(room={"limited_by": "machine"}),
    "some memory kept": with_(heap={"kept": 90 * MIB}),
    "an allocator that does not tell": with_(heap={"kept": None, "in_use": None}),
    "threadpoolctl's own variable": with_(
        environment={"KMP_DUPLICATE_LIB_OK": "True"}, software={"loaded": ("threadpoolctl",)}
    ),
    "no huge pages to be had": with_(huge_pages=""),
    "NumPy 1 with an old friend": with_(software={"numpy": "1.26.4", "packages": {"scipy": "1.11.0"}}),
    "another system": with_(system="Darwin", kernel="6.8.0", huge_pages=""),
    "a GPU with room": with_(devices=Devices((Gpu(0, "H200", "GPU-1", 141 * GIB, 10 * GIB),))),
    "a GPU that does not tell": with_(devices=Devices((Gpu(0, "Orin", "GPU-1", None, None),))),
    "torch and no GPU": with_(devices=Devices(torch_without_cuda="2.9"), software={"loaded": ("torch", "jax")}),
    "a pool in use": with_(devices=Devices(torch_in_use=9 * GIB, torch_held=10 * GIB)),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_what_is_harmless_is_left_alone(what: str) -> None:
    assert found(HARMLESS[what]) == {}


def test_looking_changes_no_variable_and_no_thread_pool() -> None:
    code = (
        "import os, sys, threading; from npmem_magic import doctor; before = dict(os.environ);"
        "first = doctor.examine({}); assert dict(os.environ) == before, set(os.environ) - set(before);"
        "import threadpoolctl; assert tuple(p['num_threads'] for p in threadpoolctl.threadpool_info()) == "
        "tuple(p.threads for p in first.machine.pools); assert threading.active_count() == 1;"
        "assert not {'torch', 'cupy', 'pandas', 'numexpr', 'matplotlib', 'scipy'} & set(sys.modules)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "KMP_DUPLICATE_LIB_OK"}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**environment, "PYTHONPATH": tracing.HOME}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


# Each trap


OPENMP = {kind: pool(f"lib{kind}", 8, "openmp", "openmp") for kind in ("gomp", "iomp5", "omp")}
TRAPS: dict[str, tuple[Machine, dict[str, str]]] = {
    "Intel's and LLVM's OpenMP": (
        with_(pools=(pool(), OPENMP["iomp5"], OPENMP["omp"]), cores=Cores(8, 8)),
        {"two OpenMP runtimes": "trap"},
    ),
    "two copies of GNU's OpenMP": (
        with_(pools=(OPENMP["gomp"], replace(OPENMP["gomp"], path="/site/torch/lib/libgomp.so")), cores=Cores(8, 8)),
        {"two OpenMP runtimes": "caution"},
    ),
    "its error silenced": (with_(environment={"KMP_DUPLICATE_LIB_OK": "TRUE"}), {"hidden OpenMP error": "trap"}),
    "two BLAS": (with_(pools=(pool(), pool("libopenblas"))), {"several BLAS": "note"}),
    "threads of the host in a small container": (
        with_(pools=(pool(threads=64),), cores=Cores(64, 64, 2.0)), {"more threads than cores": "caution"},
    ),
    "threads against an affinity": (
        with_(pools=(pool(threads=8),), cores=Cores(8, 2)), {"more threads than cores": "caution"},
    ),
    "numexpr's threads": (
        with_(software={"numexpr_threads": 16}), {"more threads than cores": "caution"},
    ),
    "fork with GNU's OpenMP": (
        with_(software={"loaded": ("multiprocessing",)}), {"fork after OpenMP": "note"},
    ),
    "little memory": (with_(room={"free": 2 * GIB}), {"little memory": "trap"}),
    "swapped out": (with_(room={"swapped": GIB}), {"swapped out": "caution"}),
    "a container": (
        with_(room={"limited_by": "cgroup", "total": 4 * GIB, "free": 3 * GIB}), {"container limit": "caution"},
    ),
    "a full container": (
        with_(room={"limited_by": "cgroup", "total": 4 * GIB, "free": 0}),
        {"little memory": "trap", "container limit": "caution"},
    ),
    "ulimit": (with_(room={"address_limit": 8 * GIB}), {"address limit": "note"}),
    "overcommit off": (with_(room={"overcommit": 2}), {"overcommit off": "trap"}),
    "overcommit always": (with_(room={"overcommit": 1}), {"overcommit always": "caution"}),
    "fragmentation": (with_(heap={"kept": 600 * MIB}), {"kept by the allocator": "note"}),
    "no huge pages": (with_(huge_pages="never"), {"no huge pages": "caution"}),
    "NumPy asks for none": (with_(numpy_asks_for_huge_pages=False), {"no huge pages": "caution"}),
    "huge pages for all": (with_(huge_pages="always"), {"huge pages for all": "note"}),
    "memory_profiler": (with_(software={"loaded": ("memory_profiler",)}), {"forks by memory_profiler": "note"}),
    "no BLAS": (with_(software={"has_blas": False}), {"no BLAS": "caution"}),
    "a package that wants another NumPy": (
        with_(software={"refused": (("numba", "0.60.0", "numpy<2.1"),), "packages": {"numba": "0.59.0"}}),
        {"wrong NumPy": "caution"},
    ),
    "made for NumPy 1": (with_(software={"packages": {"numexpr": "2.8.4"}}), {"made for NumPy 1": "trap"}),
    "no compiler": (
        with_(engine={"ledger": "pure", "why": "no extension", "compiler": ""}), {"pure ledger": "caution"},
    ),
    "tracemalloc": (with_(engine={"is_tracing": True}), {"tracemalloc runs": "caution"}),
    "a debugger": (with_(engine={"others": ("pydevd",)}), {"other tools": "note"}),
    "Linux 6.8": (with_(kernel="6.8.0-45-generic"), {"lagging counters": "note"}),
    "a full GPU": (
        with_(devices=Devices((Gpu(0, "H200", "GPU-1", 141 * GIB, 140 * GIB),))), {"GPU is full": "trap"},
    ),
    "GPUs of two kinds": (
        with_(devices=Devices((Gpu(0, "T4", "GPU-1", 16 * GIB, 0),), notes=("Of different kinds",))),
        {"order of GPUs": "caution"},
    ),
    "torch without CUDA": (
        with_(devices=Devices((Gpu(0, "T4", "GPU-1", 16 * GIB, 0),), torch_without_cuda="2.9+cpu")),
        {"torch without CUDA": "caution"},
    ),
    "torch's slack": (with_(devices=Devices(torch_in_use=GIB, torch_held=9 * GIB)), {"torch's pool": "note"}),
    "two pools on a GPU": (
        with_(
            devices=Devices((Gpu(0, "T4", "GPU-1", 16 * GIB, 0),)), software={"loaded": ("torch", "jax")},
        ),
        {"several GPU pools": "caution"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", TRAPS)
def test_each_trap_is_found_and_nothing_else(what: str) -> None:
    machine, expected = TRAPS[what]
    assert found(machine) == expected


@pytest.mark.parametrize("what", TRAPS)
def test_each_finding_says_what_was_seen_why_it_matters_and_what_to_do(what: str) -> None:
    for finding in doctor.findings(TRAPS[what][0]):
        assert finding.seen and (finding.about == "order of GPUs" or (finding.matters and finding.do))
        assert not any(words.endswith(".") for words in (finding.seen, finding.matters, finding.do))
        text = render.sheets.text(render.checkup.describe(doctor.Checkup(TRAPS[what][0], (finding,))))
        assert max(map(len, text.splitlines())) <= 80
        assert " ".join(finding.do.split()[:4]) in " ".join(text.split())


def test_every_check_has_a_trap_here() -> None:
    seen = {finding.about for machine, _ in TRAPS.values() for finding in doctor.findings(machine)}
    source = "".join((ROOT / "npmem_magic/doctor" / name).read_text() for name in ("of_machine.py", "of_software.py"))
    assert len(seen) >= source.count("Finding(") - 2  # two OpenMP findings share a name, as do two of huge pages


def test_the_gravest_come_first() -> None:
    machine = with_(huge_pages="always", room={"overcommit": 2}, software={"has_blas": False})
    assert [finding.weight for finding in doctor.findings(machine)] == ["trap", "caution", "note"]


def test_the_advice_names_the_variables_of_the_libraries_that_are_there() -> None:
    pools = (pool(threads=8), pool("libmkl_rt", 8, "blas", "mkl"), pool("libgomp", 8, "openmp", "openmp"))
    (finding,) = doctor.findings(with_(pools=pools[:1], cores=Cores(8, 8, 1.5)))
    assert "OPENBLAS_NUM_THREADS=2." in finding.do and "its cgroup grants 1.5 of 8 cores" in finding.seen
    both = [each for each in doctor.findings(with_(pools=pools, cores=Cores(8, 2))) if each.weight == "caution"]
    assert "MKL_NUM_THREADS=2 OMP_NUM_THREADS=2" in both[0].do and "it may use 2" in both[0].seen


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        ({"compiler": ""}, "Install a C compiler"),
        ({"headers": False}, "Python's headers"),
        ({}, "A compiler is there (/usr/bin/cc)"),
    ],
)
def test_the_pure_ledger_comes_with_the_way_to_the_native_one(engine: dict[str, Any], words: str) -> None:
    (finding,) = doctor.findings(with_(engine={"ledger": "pure", "why": "the native one is not there"} | engine))
    assert words in finding.do and finding.seen == "the native one is not there"


# Reading the facts


def files(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_the_quota_of_a_container(tmp_path: Path) -> None:
    proc = files(tmp_path / "proc", self__cgroup="0::/jobs/mine\n")
    group = files(tmp_path / "cgroup", jobs__placeholder="")
    (group / "jobs/mine").mkdir()
    (group / "jobs/mine/cpu.max").write_text("max 100000\n")
    (group / "jobs/cpu.max").write_text("150000 100000\n")
    assert look.cores(proc, group).quota == 1.5
    (group / "jobs/mine/cpu.max").write_text("50000 100000\n")
    assert look.cores(proc, group).quota == 0.5
    assert look.cores(tmp_path / "nowhere", group).quota is None


def test_the_quota_of_an_old_container(tmp_path: Path) -> None:
    proc = files(tmp_path / "proc", self__cgroup="4:memory:/x\n3:cpu,cpuacct:/x\n")
    group = tmp_path / "cgroup" / "cpu,cpuacct" / "x"
    group.mkdir(parents=True)
    (group / "cpu.cfs_quota_us").write_text("-1\n")
    (group / "cpu.cfs_period_us").write_text("100000\n")
    assert look.cores(proc, tmp_path / "cgroup").quota is None
    (group / "cpu.cfs_quota_us").write_text("200000\n")
    assert look.cores(proc, tmp_path / "cgroup").quota == 2.0


MEMINFO = (
    "MemTotal: 1000 kB\nMemAvailable: 400 kB\nSwapTotal: 50 kB\nSwapFree: 20 kB\n"
    "CommitLimit: 70 kB\nCommitted_AS: 60 kB\n"
)


@linux
def test_memory_swap_and_overcommit(tmp_path: Path) -> None:
    proc = files(
        tmp_path, meminfo=MEMINFO, self__status="VmSwap:\t 8 kB\n", sys__vm__overcommit_memory="2\n", self__cgroup=""
    )
    room = look.room(proc, tmp_path / "none")
    assert (room.total, room.free, room.limited_by, room.machine) == (1024_000, 409_600, "machine", 1024_000)
    assert (room.swap, room.swap_free, room.swapped) == (51_200, 20_480, 8192)
    assert (room.overcommit, room.commit_limit, room.committed) == (2, 71_680, 61_440)


@linux
def test_an_allocator_that_stands_in_is_seen(tmp_path: Path) -> None:
    maps = tmp_path / "maps"
    maps.write_text("7f00-7f01 r-xp 00000000 08:01 1234  /usr/lib/libjemalloc.so.2\n")
    seen = heap.heap({}, trim=True, maps=maps)
    assert (seen.name, seen.in_use, seen.kept, seen.released) == ("jemalloc", None, None, None)


@linux
def test_trim_gives_back_what_malloc_kept() -> None:
    """facts.md: thousands of small arrays stay resident after del until malloc_trim; in a process of its own."""
    code = (
        "import numpy as np; from npmem_magic.doctor import heap\n"
        "rows = [np.ones(1000) for _ in range(8000)]; keep = np.ones(1000); del rows\n"
        "before = heap.heap({}); after = heap.heap({}, trim=True)\n"
        "print(before.released, before.kept, after.released, after.kept)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": tracing.HOME}, capture_output=True, text=True
    )
    words = done.stdout.split()
    if words[1] == "None":
        pytest.skip("this C library does not tell")
    assert words[0] == "None" and int(words[1]) > 50 * MIB
    assert int(words[2]) > 50 * MIB and int(words[3]) > 0


def test_arrays_that_names_reach_are_summed() -> None:
    a = np.ones(1000)
    assert heap.heap({"a": a, "b": a[::2], "rows": [np.ones(10)]}).arrays == 8080


def test_a_package_that_asks_for_another_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"numba": ["numpy<2.1,>=1.22", "llvmlite"], "scipy": ["numpy<2.9,>=1.26", 'numpy<1; extra == "x"']}
    monkeypatch.setattr(software.importlib.metadata, "requires", wanted.get)
    refused = list(software._refused({"numba": "0.60.0", "scipy": "1.18.1"}, "2.5.5"))
    assert refused == [("numba", "0.60.0", "numpy<2.1,>=1.22")]


def test_the_first_releases_for_numpy_2_are_numbers() -> None:
    assert all(len(of_software._number(version)) == 3 for version in of_software.NUMPY_2.values())
    assert of_software._number("2.9.0+cu130") == (2, 9, 0) < of_software._number("2.10.0rc1")


# On this machine


def test_here_the_facts_agree_with_what_is_known_otherwise() -> None:
    machine = doctor.examine({}).machine
    assert machine.software.numpy == np.__version__ and machine.software.packages["psutil"]
    assert 1 <= machine.cores.usable <= (os.cpu_count() or 1)
    assert 0 < machine.room.free <= machine.room.total <= machine.room.machine
    assert abs(machine.heap.resident - gauges.resident()) < 64 * MIB
    assert machine.engine.ledger in ("native", "pure")
    assert all(each.threads >= 1 for each in machine.pools)


@pytest.fixture
def plain(ip: InteractiveShell) -> Iterator[InteractiveShell]:
    ip.display_formatter.active_types = ["text/plain"]
    yield ip


def test_the_magic_prints_a_report(plain: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    assert plain.run_cell("%memdoctor").success
    text = capsys.readouterr().out
    assert f"NumPy {np.__version__}" in text and "Measuring" in text
    assert max(map(len, text.splitlines())) <= 80


def test_json_is_all_that_was_seen(plain: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    assert plain.run_cell("%memdoctor --json -o seen").success
    document = json.loads(capsys.readouterr().out)
    seen = plain.user_ns["seen"]
    assert document["format"] == "npmem_magic checkup" and document["version"] == 1
    assert document["machine"]["software"]["numpy"] == np.__version__
    assert len(document["findings"]) == len(seen.findings)


def test_a_wrong_option_is_one_line(plain: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    result = plain.run_cell("%memdoctor --fix")
    assert type(result.error_in_exec).__name__ == "UsageError"


def test_as_html_everything_is_escaped_and_nothing_is_fetched() -> None:
    machine = with_(environment={"OMP_<b>": "<script>alert(1)</script>"}, software={"packages": {"<i>": "1"}})
    html = render.sheets.bundle(render.checkup.describe(doctor.Checkup(machine, doctor.findings(machine))))[0][
        "text/html"
    ]
    assert "<script" not in html and "&lt;script&gt;" in html and "<i>" not in html
    assert "http" not in html and "src=" not in html
