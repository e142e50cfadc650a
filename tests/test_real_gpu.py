"""On a machine with an NVIDIA GPU, and the libraries that use it: the same truths as on the stand-ins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from npmem_magic.cell import Cell, PlainPython
from npmem_magic.record import Options, gpus, record
from npmem_magic.trace import Trace

pytestmark = pytest.mark.gpu
MIB = 2**20


def trace(source: str, gpu: str = "auto", **names: Any) -> Trace:
    cell = Cell.from_source(source, PlainPython(), {"np": np, **names})
    recording = record(cell, cell.namespace, Options(gpu=gpu))
    if recording.outcome.error is not None:
        raise recording.outcome.error
    return recording.trace


def test_the_driver_answers() -> None:
    found = gpus.find(anew=True)
    assert all(gpu.total and gpu.used is not None and gpu.uuid for gpu in found.gpus)
    assert found.driver and found.cuda


def test_a_cell_that_does_not_use_the_gpu_shows_none() -> None:
    assert trace("x = np.ones(1000)").device_costs == ()


def test_cupy_by_expression_and_by_the_driver() -> None:
    cupy = pytest.importorskip("cupy")
    cupy.empty(1)
    cupy.get_default_memory_pool().free_all_blocks()
    source = "a = cupy.zeros(32 * 2**20, 'f8')\ncupy.cuda.Device().synchronize(); time.sleep(0.3)\nb = a + 1\ndel a"
    found = trace(source, cupy=cupy, time=__import__("time"))
    by_line = {each.line: each for each in found.device_costs}
    assert (by_line[1].peak, by_line[1].net) == (256 * MIB, 0)
    assert (by_line[3].peak, by_line[3].net) == (256 * MIB, 256 * MIB)
    assert found.device_timeline[1].max() == 512 * MIB
    assert sum(device.peak for device in found.devices) >= 256 * MIB


def test_cupy_float64_is_named() -> None:
    cupy = pytest.importorskip("cupy")
    found = trace("x = np.ones(2**20)\ny = cupy.asarray(x)", cupy=cupy)
    assert [(advice.line, advice.saving) for advice in found.advice] == [(2, 4 * MIB)]
    again = trace("x = np.ones(2**20)\n" + found.advice[0].after.replace("\n", ""), cupy=cupy)
    assert again.advice == ()


@pytest.mark.parametrize("mode", ["auto", "exact"])
def test_torch_by_line(mode: str) -> None:
    torch = pytest.importorskip("torch")
    torch.cuda.init()
    highest = torch.cuda.max_memory_allocated()
    found = trace("a = torch.zeros(64 * 2**20, device='cuda')\nb = a + 1\ndel a\nc = b * 2 + 1", gpu=mode, torch=torch)
    by_line = {each.line: each for each in found.device_costs}
    assert by_line[1].net == 256 * MIB and by_line[2].net == 256 * MIB and by_line[3].net == -256 * MIB
    assert by_line[4].net == 256 * MIB
    if mode == "exact":
        assert by_line[4].peak == 512 * MIB and not by_line[4].is_bound
    else:
        assert torch.cuda.max_memory_allocated() >= max(highest, 512 * MIB)


def test_torch_numbers_the_devices_as_we_do() -> None:
    torch = pytest.importorskip("torch")
    torch.cuda.init()
    ours = [gpu.name for gpu in gpus.find(anew=True).gpus]
    assert ours == [torch.cuda.get_device_name(at) for at in range(torch.cuda.device_count())]
