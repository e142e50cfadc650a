"""GPUs, by the real pynvml on a stand-in of the driver's library: which are this process's, and their memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tracing
from nvml_standin import GIB, ONE, ROOT, SLICED, TWO, UNLIKE, folder, needs_standin, python

import npmem_magic
from npmem_magic.host import NpmemError
from npmem_magic.record import gpus, sampler

FIND = """
import json
from npmem_magic.host import Unavailable
from npmem_magic.record import gpus
try:
    found = gpus.find()
    said = [[(g.index, g.uuid, g.total, g.used) for g in found.gpus], list(found.notes), found.driver, found.cuda]
except Unavailable as missing:
    said = str(missing)
print(json.dumps(said))
"""


def found(tmp_path: Path, devices: str, **variables: str) -> Any:
    (tmp_path / "devices").write_text(devices)
    return json.loads(python(FIND, tmp_path / "devices", **variables))


def uuids(answer: Any) -> list[str]:
    return [row[1] for row in answer[0]]


# Leave alone


def test_without_a_driver_it_is_one_sentence_and_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus.forget()
    monkeypatch.setattr(gpus, "_told", [])
    watched, notes = gpus.to_watch("auto")
    if watched:
        pytest.skip("this machine has a GPU")
    assert len(notes) == 1 and notes[0].startswith("GPU memory is not read: ")
    assert gpus.to_watch("auto") == ((), ())


def test_a_mode_that_there_is_not_is_refused() -> None:
    with pytest.raises(NpmemError, match="auto, exact, off"):
        npmem_magic.trace("x = 1", namespace={}, gpu="on")


@needs_standin
def test_the_facts_for_sizes(tmp_path: Path) -> None:
    (tmp_path / "devices").write_text(TWO)
    said = python("from npmem_magic.record import gpus; print(gpus.devices())", tmp_path / "devices")
    assert said.strip() == str((("NVIDIA H200", 141 * GIB, 140 * GIB), ("NVIDIA H200", 141 * GIB, 139 * GIB)))


def test_off_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus.nvml, "table", lambda: pytest.fail("asked"))
    gpus.forget()
    assert gpus.to_watch("off")[0] == ()


@needs_standin
def test_nothing_that_sets_is_ever_called(tmp_path: Path) -> None:
    """The stand-in has no function that sets; what calls one gets an error, and there is none."""
    symbols = subprocess.run(["nm", "-D", f"{folder()}/libnvidia-ml.so.1"], capture_output=True, text=True).stdout
    assert "nvmlDeviceGetMemoryInfo" in symbols and "Set" not in symbols
    assert "nvml" in (text := (ROOT / "npmem_magic/record/nvml.py").read_text()) and "nvmlDeviceSet" not in text
    assert uuids(found(tmp_path, ONE)) == ["GPU-aaaa-1"]


# Which devices


@needs_standin
def test_one_gpu(tmp_path: Path) -> None:
    assert found(tmp_path, ONE) == [[[0, "GPU-aaaa-1", 141 * GIB, GIB]], [], "580.1", "13.0"]


@needs_standin
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("0,1", ["GPU-aaaa-1", "GPU-bbbb-2"]),
        ("1", ["GPU-bbbb-2"]),
        ("1,0", ["GPU-bbbb-2", "GPU-aaaa-1"]),
        ("GPU-bbbb-2", ["GPU-bbbb-2"]),
        ("GPU-b", ["GPU-bbbb-2"]),
        ("0,7,1", ["GPU-aaaa-1"]),  # CUDA stops at the first that is not there
        ("GPU-zz,0", None),
        ("GPU-", None),  # of two
        ("0,0", None),
        ("-1", None),
        ("", None),
    ],
)
def test_the_devices_are_those_that_cuda_shows(tmp_path: Path, wanted: str, expected: list[str] | None) -> None:
    answer = found(tmp_path, TWO, CUDA_VISIBLE_DEVICES=wanted)
    if expected is None:
        assert answer == f"GPU memory is not read: CUDA_VISIBLE_DEVICES={wanted!r} hides every device."
    else:
        assert uuids(answer) == expected


@needs_standin
def test_of_slices_cuda_takes_the_first_and_no_whole_gpu_beside_it(tmp_path: Path) -> None:
    two = SLICED + f"gpu GPU-ffff-6 NVIDIA_H200 {141 * GIB} 0\n"
    assert uuids(found(tmp_path, two)) == ["MIG-dddd-4"]
    assert uuids(found(tmp_path, two, CUDA_VISIBLE_DEVICES="MIG-eeee-5")) == ["MIG-eeee-5"]
    assert found(tmp_path, two, CUDA_VISIBLE_DEVICES="MIG-e")[0] == [[0, "MIG-eeee-5", 35 * GIB, GIB]]
    assert uuids(found(tmp_path, two, CUDA_VISIBLE_DEVICES="1")) == ["GPU-ffff-6"]


@needs_standin
def test_gpus_of_two_kinds_are_numbered_otherwise_by_cuda(tmp_path: Path) -> None:
    notes = found(tmp_path, UNLIKE)[1]
    assert len(notes) == 1 and "CUDA_DEVICE_ORDER=PCI_BUS_ID" in notes[0]
    assert found(tmp_path, UNLIKE, CUDA_DEVICE_ORDER="PCI_BUS_ID")[1] == []
    assert found(tmp_path, UNLIKE, CUDA_VISIBLE_DEVICES="GPU-cccc-3")[1] == []


@needs_standin
@pytest.mark.parametrize(
    ("devices", "words"),
    [
        ("init 9\n", ["NVML does not start", "Driver Not Loaded", "nvidia-smi"]),
        ("init 18\n", ["NVML does not start", "Restart the machine"]),
        ("init 999\n", ["NVML does not start"]),
        ("", ["the driver finds no device"]),
        (ONE + "lost 15\n", ["NVML cannot list the devices", "GPU is lost"]),
    ],
)
def test_errors_at_init_are_one_sentence(tmp_path: Path, devices: str, words: list[str]) -> None:
    answer = found(tmp_path, devices)
    assert isinstance(answer, str) and "\n" not in answer
    assert [word for word in words if word not in answer] == []


def test_without_pynvml_it_says_how_to_get_it() -> None:
    code = f"import sys; sys.modules['pynvml'] = None\n{FIND}"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": tracing.HOME}, capture_output=True, text=True
    )
    assert "pip install nvidia-ml-py" in json.loads(done.stdout)


# Over a run


RUN = """
import json, os, sys, time, numpy as np, npmem_magic
devices = os.environ["NVML_STANDIN"]
def driver(text):
    with open(devices + ".new", "w") as file: file.write(text.replace("OURS", str(os.getpid())))
    os.replace(devices + ".new", devices)
def settle():
    # Long enough for NVML to be read, however busy the machine is; a dead helper reads no more.
    from npmem_magic.record import _helper, sampler
    helper, until = sampler._helpers[0], time.monotonic() + 20
    reads = helper.words[_helper.READS]
    time.sleep(0.15)
    while helper.alive() and helper.words[_helper.READS] < reads + 20 and time.monotonic() < until:
        time.sleep(0.01)
driver(open(devices).read())
names = dict(driver=driver, settle=settle, GIB=2**30)
# First a while in which the helper reads: on a busy machine it may answer late.
traces = [npmem_magic.trace("settle(); " + source, namespace=dict(names)) for source in CELLS]
print(json.dumps([
    dict(
        devices=[(d.uuid, d.started, d.peak, d.is_own) for d in t.devices], notes=t.notes,
        gpu=[c.tolist()[-1:] for c in t.gpu[1:]], most=[int(c.max()) for c in t.gpu[1:]],
        total=int(t.samples[2].max()) if len(t.samples) > 2 else None, resident=len(t.samples[1]),
        net=t.net,
    ) for t in traces
]))
"""


@needs_standin
def test_without_a_sampler_the_gpu_is_not_read_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "devices").write_text(ONE)
    code = "import npmem_magic; t = npmem_magic.trace('x = 1', sampler='off'); print(t.devices, *t.notes)"
    said = python(code, tmp_path / "devices")
    assert said.startswith("()") and "GPU memory was not sampled either" in said


def traced(tmp_path: Path, devices: str, *cells: str, **variables: str) -> list[dict[str, Any]]:
    (tmp_path / "devices").write_text(devices)
    found = json.loads(python(f"CELLS = {list(cells)!r}\n{RUN}", tmp_path / "devices", **variables))
    assert isinstance(found, list)
    return found


def with_ours(nbytes: int, used: int, lines: str = ONE) -> str:
    return lines.replace(f" {GIB}\n", f" {used}\n") + f"process OURS {nbytes}\nprocess 1 12345\n"


@needs_standin
def test_a_cell_that_takes_nothing_of_the_gpu_shows_nothing(tmp_path: Path) -> None:
    grown = ONE.replace(f" {GIB}\n", f" {9 * GIB}\n")  # another process's
    (trace,) = traced(tmp_path, ONE, f"driver({grown!r}); settle()")
    assert trace["devices"] == [["GPU-aaaa-1", GIB, 0, True]] and trace["most"] == [0]
    assert not any("GPU" in note for note in trace["notes"])


@needs_standin
def test_this_processs_bytes_are_told_from_those_of_others(tmp_path: Path) -> None:
    start, end = with_ours(GIB // 2, GIB), with_ours(3 * GIB, 9 * GIB)
    (trace,) = traced(tmp_path, start, f"driver({end!r}); settle()")
    assert trace["devices"] == [["GPU-aaaa-1", GIB, 5 * GIB // 2, True]]
    assert trace["total"] == 5 * GIB // 2 and trace["gpu"] == [[5 * GIB // 2]]
    assert trace["resident"] >= 3


@needs_standin
@pytest.mark.parametrize("untold", ["process OURS -1\n", "noprocesses 3\n", "process 4294 99\n"])
def test_where_the_driver_does_not_tell_it_is_the_whole_device_and_says_so(tmp_path: Path, untold: str) -> None:
    start, end = ONE + untold, ONE.replace(f" {GIB}\n", f" {4 * GIB}\n") + untold
    cell = f"import sys; sys.modules['cupy'] = sys; driver({end!r}.replace('OURS', str(__import__('os').getpid())))"
    (trace,) = traced(tmp_path, start, f"{cell}; settle()")
    assert trace["devices"] == [["GPU-aaaa-1", GIB, 3 * GIB, False]]
    assert sum("does not tell what this process takes" in note for note in trace["notes"]) == 1


@needs_standin
def test_two_gpus_have_a_curve_each(tmp_path: Path) -> None:
    first, second = TWO.splitlines(keepends=True)
    start = f"{first}process OURS 0\n{second}process OURS 0\n"
    end = f"{first}process OURS {GIB}\n{second}process OURS {2 * GIB}\n"
    (trace,) = traced(tmp_path, start, f"driver({end!r}.replace('OURS', str(__import__('os').getpid()))); settle()")
    assert [device[2] for device in trace["devices"]] == [GIB, 2 * GIB]
    assert trace["most"] == [GIB, 2 * GIB] and trace["total"] == 3 * GIB


@needs_standin
def test_a_slice_is_read_as_a_device(tmp_path: Path) -> None:
    end = SLICED.replace(f"{18 * GIB} 0\n", f"{18 * GIB} {GIB}\nprocess OURS {GIB}\n")
    cell = f"driver({end!r}.replace('OURS', str(__import__('os').getpid()))); settle()"
    (trace,) = traced(tmp_path, SLICED, cell)
    assert trace["devices"] == [["MIG-dddd-4", 0, GIB, True]]


@needs_standin
def test_a_gpu_that_is_lost_in_mid_run_is_one_sentence_and_the_next_run_tries_again(tmp_path: Path) -> None:
    start, lost = with_ours(GIB, GIB), with_ours(GIB, GIB) + "lost 15\n"
    again = with_ours(2 * GIB, GIB)
    put_back = "driver(START.replace('OURS', str(__import__('os').getpid())))"
    cells = [
        f"import numpy as np; a = np.ones(10**6); driver({lost!r}); settle(); {put_back.replace('START', repr(start))}",
        f"settle(); driver({again!r}); settle()",
    ]
    first, second = traced(tmp_path, start, *cells)
    assert [note for note in first["notes"] if "GPU is lost" in note] == [
        "The GPU could not be read to the end (NVML: GPU is lost); its curve stays at what was read last."
    ]
    assert first["net"] == 8 * 10**6 and first["resident"] >= 3
    assert second["devices"][0][2] == GIB and not any("GPU" in note for note in second["notes"])


@needs_standin
def test_nvml_that_kills_its_reader_leaves_the_kernel_and_the_exact_bytes(tmp_path: Path) -> None:
    deadly = ONE + "kill\n"
    first, second = traced(
        tmp_path,
        ONE,
        f"import numpy as np; a = np.ones(10**6); driver({deadly!r}); settle(); driver({ONE!r})",
        "settle()",
    )
    assert first["net"] == 8 * 10**6
    assert sum("helper process ended before the cell did" in note for note in first["notes"]) == 1
    assert second["resident"] >= 3 and not any("helper" in n and "ended" in n for n in second["notes"])


def samples(**columns: list[int]) -> sampler.Samples:
    values = tuple(np.array(each, np.int64) for each in columns.values())
    names = tuple(name.replace("_", ":").replace("U", "GPU-1") for name in columns)
    return sampler.Samples(np.arange(len(values[0]), dtype=np.int64) + 100, values, names)


def test_the_curve_begins_at_zero_and_the_peak_is_above_the_start() -> None:
    gpu = gpus.Gpu(0, "G", "GPU-1", 1000, 10)
    read = samples(resident=[1, 1, 1], gpu_used_U=[10, 20, 5], gpu_own_U=[4, 9, 0])
    (device,), (times, curve), notes = gpus.over_the_run([gpu], read, 100)
    assert (device.started, device.peak, device.is_own) == (10, 5, True)
    assert times.tolist() == [0, 1, 2] and curve.tolist() == [0, 5, -4] and notes == ()
