"""Which renderer a machine can have, and why not a faster one; nothing heavy is imported."""

import ctypes
import subprocess
import sys

import pytest

from visavis.engines import load
from visavis.engines.registry import WANTED, as_wanted
from visavis.engines.render import devices
from visavis.engines.render.choice import Machine, Way, choose
from visavis.engines.render.devices import Gpu, NoGpu
from visavis.engines.render.tensorrt_library import Library

H100 = Gpu("NVIDIA H100 80GB HBM3", (9, 0), 85 << 30, "580.65.06")
ADA = Gpu("NVIDIA RTX 4090", (8, 9), 24 << 30, "580.65.06")
TRT, RTX = Library("tensorrt"), Library("tensorrt_rtx_bindings")


def machine(gpu=None, torch=True, libraries=()):
    def find():
        if gpu is None:
            raise NoGpu("no NVIDIA driver")
        return gpu

    return Machine(find, lambda name: torch and name == "torch", lambda: libraries)


@pytest.mark.parametrize(
    ("wanted", "has", "ways", "why", "unmet"),
    [
        ("warp", machine(H100, libraries=(TRT,)), (), "renderer is warp", False),
        ("auto", machine(torch=False), (), "PyTorch is not installed (visavis[cuda])", False),
        ("torch", machine(torch=False), (), "PyTorch is not installed (visavis[cuda])", True),
        ("auto", machine(), (), "no GPU: no NVIDIA driver", False),
        ("torch", machine(), (Way("torch"),), "no GPU: no NVIDIA driver", False),
        ("tensorrt", machine(), (), "no GPU: no NVIDIA driver", True),
        ("auto", machine(H100), (Way("torch", H100),), "TensorRT is not installed", False),
        ("tensorrt", machine(H100), (), "TensorRT is not installed", True),
        ("auto", machine(H100, libraries=(TRT, RTX)),
         (Way("tensorrt", H100, TRT), Way("torch", H100)), "", False),
        ("auto", machine(ADA, libraries=(RTX,)),
         (Way("tensorrt", ADA, RTX), Way("torch", ADA)), "", False),
        ("auto", machine(H100, libraries=(RTX,)), (Way("torch", H100),),
         "tensorrt_rtx knows no compute capability 9.0", False),
        ("tensorrt", machine(H100, libraries=(RTX,)), (), "tensorrt_rtx knows no", True),
        ("tensorrt", machine(H100, libraries=(TRT,)), (Way("tensorrt", H100, TRT),), "", False),
        ("torch", machine(H100, libraries=(TRT,)), (Way("torch", H100),), "renderer is torch",
         False),
    ],
)  # fmt: skip
def test_what_draws_and_why_nothing_faster_does(wanted, has, ways, why, unmet):
    choice = choose(wanted, has)
    assert choice.ways == ways
    assert choice.why.startswith(why)
    assert bool(choice.why) == bool(why)
    assert choice.unmet == unmet


def test_a_choice_in_words():
    assert choose("auto", machine(H100, libraries=(TRT,))).words == (
        "tensorrt on NVIDIA H100 80GB HBM3, compute capability 9.0, driver 580.65.06"
    )
    assert choose("torch", machine()).words == "torch on CPU (no GPU: no NVIDIA driver)"
    assert choose("auto", machine()).words == "warp on CPU (no GPU: no NVIDIA driver)"


def test_names_of_the_setting():
    assert [as_wanted(each) for each in WANTED] == list(WANTED)
    assert as_wanted("cuda") is None


class Nvml:
    """A driver's library with two cards; `fails`: the call that answers with an error."""

    def __init__(self, fails=""):
        self.fails = fails
        self.asked, self.shut = "", 0
        self.nvmlErrorString = lambda _status: b"Driver/library version mismatch"

    def __getattr__(self, name):
        if name == self.fails:
            return lambda *_: 18
        return {
            "nvmlInit_v2": lambda: 0,
            "nvmlShutdown": self._shutdown,
            "nvmlDeviceGetHandleByIndex_v2": lambda n, _: self._ask(str(n)),
            "nvmlDeviceGetHandleByUUID": lambda n, _: self._ask(n.decode()),
            "nvmlDeviceGetName": lambda _h, text, _n: _write(text, b"NVIDIA L4"),
            "nvmlSystemGetDriverVersion": lambda text, _n: _write(text, b"580.65.06"),
            "nvmlDeviceGetCudaComputeCapability": lambda _h, a, b: _numbers(a, b),
            "nvmlDeviceGetMemoryInfo": lambda _h, memory: _total(memory),
        }[name]

    def _ask(self, which):
        self.asked = which
        return 0

    def _shutdown(self):
        self.shut += 1


def _write(buffer, text):
    buffer.value = text
    return 0


def _numbers(major, minor):
    major._obj.value, minor._obj.value = 8, 9
    return 0


def _total(memory):
    memory._obj.total = 24 << 30
    return 0


@pytest.mark.parametrize(
    ("visible", "asked"), [(None, "0"), ("1", "1"), ("3,1", "3"), ("GPU-8a3f", "GPU-8a3f")]
)
def test_the_gpu_that_this_process_may_use(monkeypatch, visible, asked):
    nvml = Nvml()
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: nvml)
    env = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    assert devices.find(env) == Gpu("NVIDIA L4", (8, 9), 24 << 30, "580.65.06")
    assert nvml.asked == asked
    assert nvml.shut == 1


@pytest.mark.parametrize("visible", ["", "-1"])
def test_a_gpu_that_is_hidden_is_none(visible):
    with pytest.raises(NoGpu, match="CUDA_VISIBLE_DEVICES hides"):
        devices.find({"CUDA_VISIBLE_DEVICES": visible})


@pytest.mark.parametrize(
    ("fails", "words"),
    [("nvmlInit_v2", "the driver does not start"), ("nvmlDeviceGetHandleByIndex_v2", "no GPU 0"),
     ("nvmlDeviceGetName", "the GPU cannot be asked")],
)  # fmt: skip
def test_a_driver_that_fails_says_why(monkeypatch, fails, words):
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: Nvml(fails))
    with pytest.raises(NoGpu, match=f"{words}: Driver/library version mismatch"):
        devices.find({})


def test_a_machine_without_a_driver(monkeypatch):
    def no_library(name):
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", no_library)
    with pytest.raises(NoGpu, match="no NVIDIA driver"):
        devices.find({})


@pytest.mark.parametrize("wanted", ["warp", "auto"])
def test_a_machine_without_a_gpu_imports_no_pytorch(wanted, tmp_path):
    """`auto` on one must cost nothing at the start."""
    program = (
        "import sys; from pathlib import Path; from visavis.engines import load; told = [];"
        f"made = load.generator(128, 128, {wanted!r}, Path({str(tmp_path)!r}), told.append);"
        "assert made.width == 128; assert told[0].renderer == 'warp'; assert told[0].why;"
        " heavy = {'torch', 'onnx', 'tensorrt_rtx_bindings'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    hidden = {"CUDA_VISIBLE_DEVICES": "", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", program], env=hidden, capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr


def test_a_server_is_told_who_draws(tmp_path):
    told = []
    load.generator(128, 128, "warp", tmp_path, told.append)
    assert [(each.renderer, each.device, each.why) for each in told] == [
        ("warp", "CPU", "renderer is warp")
    ]
