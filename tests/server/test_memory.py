import subprocess
import sys

import pytest

# In a process of its own: the setting is for the whole process and cannot be taken back.
_SCRIPT = """
import ctypes
from visavis.server.system.memory import give_back_large_blocks
c = ctypes.CDLL(None)
c.malloc.restype = ctypes.c_void_p
c.malloc.argtypes, c.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
if {on}:
    assert give_back_large_blocks()
def rss():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
c.free(c.malloc(30 << 20))  # from here on glibc would keep blocks of up to 30 MB
hold = c.malloc(200 << 10)
before = rss()
blocks = [c.malloc(8 << 20) for _ in range(6)]
for block in blocks:
    ctypes.memset(block, 1, 8 << 20)
top = c.malloc(100 << 10)  # above them, so that the heap cannot simply shrink
for block in blocks:
    c.free(block)
print((rss() - before) >> 20)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
def test_large_blocks_go_back_to_the_system():
    kept = {}
    for on in (True, False):
        command = [sys.executable, "-c", _SCRIPT.replace("{on}", str(on))]
        kept[on] = int(subprocess.run(command, check=True, capture_output=True).stdout)
    assert kept[True] < 4
    assert kept[False] > 20  # what it is good for


def test_what_is_loaded_is_not_looked_through_again():
    """In a process of its own, too."""
    script = (
        "import gc\n"
        "from visavis.server.system.memory import spare_what_is_loaded\n"
        "kept = [[] for _ in range(1000)]\n"
        "spare_what_is_loaded()\n"
        "before = len(gc.get_objects())\n"
        "ring = []; ring.append(ring); del ring\n"
        "print(before < 1000, gc.collect())\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "1"]
