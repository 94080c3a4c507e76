"""System calls that a process gives up: a filter of Linux's seccomp, written out by hand.

What a program that only computes never needs: sockets, other programs and processes, writing to
files, mounts, changes to the machine. A list of what is denied rather than of what is allowed, for
numeric libraries change what they call; Landlock and limits stand behind it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from typing import Final

from visavis.server.system.landlock import forbid_new_privileges

# name: numbers on x86_64 and aarch64 (asm/unistd.h, asm-generic/unistd.h); 0: there is none
_CALLS: Final[dict[str, tuple[int, int]]] = {
    # other programs and processes
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, 0), "vfork": (58, 0),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "kcmp": (312, 272), "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424), "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240), "setpriority": (141, 140),
    "sched_setscheduler": (144, 119), "sched_setparam": (142, 118), "sched_setattr": (314, 274),
    "sched_setaffinity": (203, 122), "ioprio_set": (251, 30),
    # network, and what else reaches other processes
    "socket": (41, 198), "socketpair": (53, 199), "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426), "io_uring_register": (427, 427), "shmget": (29, 194),
    "shmat": (30, 196), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    # files; opening one to write to it is denied below
    "creat": (85, 0), "truncate": (76, 45), "unlink": (87, 0), "unlinkat": (263, 35),
    "rename": (82, 0), "renameat": (264, 38), "renameat2": (316, 276), "mkdir": (83, 0),
    "mkdirat": (258, 34), "rmdir": (84, 0), "link": (86, 0), "linkat": (265, 37),
    "symlink": (88, 0), "symlinkat": (266, 36), "mknod": (133, 0), "mknodat": (259, 33),
    "chmod": (90, 0), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, 0), "fchown": (93, 55), "lchown": (94, 0), "fchownat": (260, 54),
    "utime": (132, 0), "utimes": (235, 0), "utimensat": (280, 88), "futimesat": (261, 0),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "removexattrat": (466, 466), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    # the machine
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "unshare": (272, 97), "setns": (308, 268), "fsopen": (430, 430), "fsmount": (432, 432),
    "fspick": (433, 433), "move_mount": (429, 429), "open_tree": (428, 428),
    "mount_setattr": (442, 442), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "syslog": (103, 116),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171),
    "clock_adjtime": (305, 266), "sethostname": (170, 161), "setdomainname": (171, 162),
    "personality": (135, 92), "vhangup": (153, 58), "ioperm": (173, 0), "iopl": (172, 0),
}  # fmt: skip
_STARTING: Final = frozenset({"execve", "execveat", "fork", "vfork"})  # and clone, see below
_CLONE, _CLONE3, _OPENAT2 = (56, 220), (435, 435), (437, 437)
_OPEN, _OPENAT = (2, 0), (257, 56)
_ON_ONESELF: Final = ((62, 129), (234, 131), (302, 261))  # kill, tgkill, prlimit64

# machine: which of the numbers above, and its name to the kernel (AUDIT_ARCH of linux/audit.h)
_MACHINES: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_X32: Final = 0x40000000  # a second set of the same calls on x86_64
_THREAD: Final = 0x10000  # CLONE_THREAD
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

# linux/bpf_common.h and linux/seccomp.h
_LOAD, _EQUAL, _AT_LEAST, _HAS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST = 0, 4, 16  # offsets into struct seccomp_data; arguments have 8
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_SECCOMP: Final = (317, 277)
_SET_FILTER, _ALL_THREADS = 1, 1

_Step = tuple[int, int, int, int]  # code, steps to jump if true, if false, value


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))


def restrict(*, programs: bool = False) -> None:
    """Give those calls up for good, in every thread: they fail with EPERM. Raises OSError.

    programs: whether to start other programs and processes stays allowed.
    """
    machine = platform.machine()
    # A 32-bit Python on such a kernel makes other calls, each of which would end it.
    if machine not in _MACHINES or struct.calcsize("P") != 8:
        raise OSError(errno.ENOSYS, f"no filter is written for {machine} and this Python")
    which, architecture = _MACHINES[machine]
    steps = _filter(which, architecture, os.getpid(), _STARTING if programs else frozenset())
    forbid_new_privileges()
    program = _Program(len(steps), b"".join(struct.pack("HBBI", *step) for step in steps))
    libc = ctypes.CDLL(None, use_errno=True)
    number, how = ctypes.c_long(_SECCOMP[which]), ctypes.c_uint(_SET_FILTER)
    if libc.syscall(number, how, ctypes.c_uint(_ALL_THREADS), ctypes.byref(program)):
        failed = ctypes.get_errno()
        raise OSError(failed, os.strerror(failed))


def _filter(
    which: int, architecture: int, own: int, kept: frozenset[str] = frozenset()
) -> list[_Step]:
    """The program. own: the process that may send signals to itself. kept: calls by name."""
    steps = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, architecture), _answer(_KILL)]
    steps.append((_LOAD, 0, 0, _NUMBER))
    if which == 0:
        steps += [(_AT_LEAST, 0, 1, _X32), _denied(errno.ENOSYS)]
    for name, numbers in _CALLS.items():
        if name not in kept:
            steps += _if_call(numbers[which], [_denied()])
    for numbers in (_CLONE3, _OPENAT2):  # their arguments are out of sight: others are tried then
        steps += _if_call(numbers[which], [_denied(errno.ENOSYS)])
    if "fork" not in kept:
        steps += _if_call(_CLONE[which], [_argument(0), (_HAS, 1, 0, _THREAD), _denied()])
    for numbers, place in ((_OPEN, 1), (_OPENAT, 2)):
        writing = [_argument(place), (_HAS, 0, 1, _WRITING), _denied(errno.EACCES)]
        steps += _if_call(numbers[which], writing)
    for numbers in _ON_ONESELF:
        other = [_argument(0), (_EQUAL, 2, 0, own), (_EQUAL, 1, 0, 0), _denied()]
        steps += _if_call(numbers[which], other)
    return [*steps, _answer(_ALLOW)]


def _if_call(number: int, then: list[_Step]) -> list[_Step]:
    """`then`, and if that says nothing the call is allowed; every other call goes on."""
    if not number:
        return []
    return [(_EQUAL, 0, len(then) + 1, number), *then, _answer(_ALLOW)]


def _argument(place: int) -> _Step:
    """The lower half of one, which holds flags and process numbers (both are little-endian)."""
    return (_LOAD, 0, 0, _FIRST + 8 * place)


def _denied(number: int = errno.EPERM) -> _Step:
    return _answer(_ERROR | number)


def _answer(value: int) -> _Step:
    return (_RETURN, 0, 0, value)
