"""A stand-in for NVIDIA's driver library: built once from C, loaded by the real pynvml, steered by a text file."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import tracing

ROOT = Path(__file__).parents[1]
GIB = 2**30

needs_standin = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("gcc") is None, reason="the stand-in of NVML is built with gcc, on Linux"
)

ONE = f"gpu GPU-aaaa-1 NVIDIA_H200 {141 * GIB} {GIB}\n"
TWO = ONE + f"gpu GPU-bbbb-2 NVIDIA_H200 {141 * GIB} {2 * GIB}\n"
UNLIKE = ONE + f"gpu GPU-cccc-3 NVIDIA_T4 {16 * GIB} 0\n"
SLICED = (
    f"gpu GPU-aaaa-1 NVIDIA_H200 {141 * GIB} {GIB}\n"
    f"slice MIG-dddd-4 NVIDIA_H200_MIG_1g.18gb {18 * GIB} 0\n"
    f"slice MIG-eeee-5 NVIDIA_H200_MIG_2g.35gb {35 * GIB} {GIB}\n"
)


@functools.cache
def folder() -> str:
    """Where ``libnvidia-ml.so.1`` lies, for ``LD_LIBRARY_PATH``."""
    where = tempfile.mkdtemp(prefix="npmem-nvml-")
    source = str(ROOT / "tests" / "standins" / "nvml.c")
    subprocess.run(
        ["gcc", "-std=c11", "-Wall", "-Wextra", "-shared", "-fPIC", source, "-o", f"{where}/libnvidia-ml.so.1"],
        check=True,
    )
    return where


def python(code: str, devices: Path, **variables: str) -> str:
    """What another Python prints that runs `code` where the driver has the devices that the file `devices` names."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CUDA_")}
    environment |= {"LD_LIBRARY_PATH": folder(), "NVML_STANDIN": str(devices), "PYTHONPATH": tracing.HOME} | variables
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout
