"""Traps of what is installed: packages, who measures, GPUs. Pure functions of the facts; a new one goes in `CHECKS`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..sizes import human
from .facts import Machine
from .finding import Checks, Finding

GIB = 1 << 30
LITTLE = 0.1  # share of a GPU's memory below which what is free is little
# The first release of each that runs with NumPy 2: numpy/numpy issue 26191.
NUMPY_2 = {
    "numexpr": "2.10.0", "scipy": "1.13.0", "pandas": "2.2.2", "matplotlib": "3.8.4", "numba": "0.60.0",
    "scikit-learn": "1.4.2", "torch": "2.3.0", "h5py": "3.11.0", "tables": "3.10.0",
}  # fmt: skip


# Software ----------------------------------------------------------------------------------------------------------


def _numpy(machine: Machine) -> Iterator[Finding]:
    software = machine.software
    if not software.has_blas:
        yield Finding(
            "caution", "no BLAS", "NumPy was built without a BLAS library",
            "Matrix products run on one core, without vector instructions",
            "Install a build with one: pip install --force-reinstall numpy, or conda install numpy",
        )  # fmt: skip
    for name, version, wanted in software.refused:
        yield Finding(
            "caution", "wrong NumPy", f"{name} {version} asks for {wanted}; installed is {software.numpy}",
            "It was not made for this NumPy: imports may fail, results are not tested", f"pip install --upgrade {name}",
        )  # fmt: skip
    refused = {name for name, _, _ in software.refused}
    for name, first in NUMPY_2.items():
        version = software.packages.get(name, "")
        if version and name not in refused and _number(software.numpy) >= (2,) and _number(version) < _number(first):
            yield Finding(
                "trap", "made for NumPy 1", f"{name} {version} was made for NumPy 1; installed is {software.numpy}",
                "Its compiled parts do not run, or crash, under NumPy 2",
                f"pip install --upgrade '{name}>={first}'",
            )  # fmt: skip


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])


# Who measures ------------------------------------------------------------------------------------------------------


def _pure_ledger(machine: Machine) -> Iterator[Finding]:
    engine = machine.engine
    if engine.ledger == "native":
        return
    if machine.environment.get("NPMEM_LEDGER") == "pure":
        do = "Unset NPMEM_LEDGER, and the native one counts where it is there"
    elif not engine.compiler:
        do = "Install a C compiler (gcc or clang), then pip install --force-reinstall npmem_magic"
    elif not engine.headers:
        do = "Install Python's headers (python3-dev or python3-devel), then pip install --force-reinstall npmem_magic"
    else:
        do = f"A compiler is there ({engine.compiler}): pip install --force-reinstall --no-cache-dir npmem_magic"
    yield Finding(
        "caution", f"{engine.ledger} ledger", engine.why.rstrip("."),
        "It counts NumPy and Python together, and slows down code that makes many small objects", do,
    )  # fmt: skip


def _others(machine: Machine) -> Iterator[Finding]:
    engine = machine.engine
    if engine.is_tracing:
        yield Finding(
            "caution", "tracemalloc runs", "tracemalloc is tracing every allocation of this process",
            "Python code is several times slower, and what tracemalloc notes takes memory itself",
            "tracemalloc.stop(), or unset PYTHONTRACEMALLOC",
        )  # fmt: skip
    if engine.others:
        yield Finding(
            "note", "other tools", f"Others listen to this interpreter: {', '.join(engine.others)}",
            "Debuggers, coverage and profilers slow code down, and its times show that",
            "Stop them for a measurement of time; bytes are right all the same",
        )  # fmt: skip
    found = re.match(r"(\d+)\.(\d+)", machine.kernel)
    if machine.system == "Linux" and found and (6, 2) <= (int(found[1]), int(found[2])) <= (6, 16):
        yield Finding(
            "note", "lagging counters", f"Linux {machine.kernel} counts resident pages per core, and adds up at times",
            "Resident figures, ours and those of other tools, may lag by some hundred KiB for each core",
            "Trust the allocated bytes, which are exact; 6.17 counts better",
        )  # fmt: skip


# GPU ---------------------------------------------------------------------------------------------------------------


def _gpu(machine: Machine) -> Iterator[Finding]:
    devices = machine.devices
    for gpu in devices.gpus:
        if gpu.free is not None and gpu.total and gpu.free < LITTLE * gpu.total:
            yield Finding(
                "trap", "GPU is full", f"GPU {gpu.index}, {gpu.name}: {human(gpu.free)} of {human(gpu.total)} are free",
                "The next allocation there fails; kernels of closed notebooks keep their memory until they end",
                "Shut down other kernels; nvidia-smi lists who holds it",
            )  # fmt: skip
    for words in devices.notes:
        yield Finding("caution", "order of GPUs", words, "", "")
    if devices.gpus and devices.torch_without_cuda:
        yield Finding(
            "caution", "torch without CUDA", f"torch {devices.torch_without_cuda} has no CUDA, though there is a GPU",
            "Its tensors stay on the host", "Install the CUDA build, as pytorch.org lists it for your driver",
        )  # fmt: skip
    slack = devices.torch_held - devices.torch_in_use
    if slack > max(GIB, devices.torch_held // 4):
        yield Finding(
            "note", "torch's pool", f"torch holds {human(devices.torch_held)} on the GPU and uses "
            f"{human(devices.torch_in_use)}",
            "Its pool keeps freed blocks; in pieces of the wrong size they serve no large request, nor other libraries",
            "torch.cuda.empty_cache(); PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True before the kernel starts",
        )  # fmt: skip
    yield from _two_pools(machine)


def _two_pools(machine: Machine) -> Iterator[Finding]:
    loaded = [name for name in ("torch", "cupy", "tensorflow", "jax") if name in machine.software.loaded]
    if not machine.devices.gpus or len(loaded) < 2:
        return
    words = "Each keeps a pool of its own, and none gives back what another needs"
    if "jax" in loaded and machine.environment.get("XLA_PYTHON_CLIENT_PREALLOCATE", "true").lower() != "false":
        words += "; JAX takes three quarters of the device at its start"
    yield Finding(
        "caution", "several GPU pools", f"{', '.join(loaded)} share the GPU in this process", words,
        "XLA_PYTHON_CLIENT_PREALLOCATE=false for JAX, TF_FORCE_GPU_ALLOW_GROWTH=true for TensorFlow, before the kernel "
        "starts; empty the pool of one before the other works",
    )  # fmt: skip


CHECKS: Checks = (_numpy, _pure_ledger, _others, _gpu)
