"""Linux Landlock by its three system calls: after this, reading works below the listed folders only.

Source: Linux kernel documentation, "Landlock: unprivileged access control" (userspace-api/landlock), ABI 1.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from federation.errors import FederationError

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CREATE_VERSION = 1
_RULE_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 16, 32, 128, 256
_EVERY_ACCESS = (1 << 13) - 1
"""All file system accesses of ABI 1: what is not granted below is refused."""


class _Ruleset(ctypes.Structure):
    _fields_ = [("handled_access_fs", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [
        ("allowed_access", ctypes.c_uint64),
        ("parent_fd", ctypes.c_int32),
    ]


def available() -> bool:
    """Whether this kernel has Landlock and lets it be used."""
    if not sys.platform.startswith("linux"):
        return False
    version = _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_CREATE_VERSION))
    return version >= 1


def restrict(readable: Iterable[Path], writable: Iterable[Path] = ()) -> bool:
    """Let this thread and all it starts read below both lists of folders only, and write below `writable`.

    Devices, which lie below /dev, may be written where that is readable.

    Returns:
        False where the kernel has no Landlock; nothing is restricted then.

    Raises:
        FederationError: The kernel has it but refused a call.
    """
    if not available():
        return False
    attributes = _Ruleset(_EVERY_ACCESS)
    ruleset = _must(
        "create a ruleset",
        _call(_CREATE_RULESET, ctypes.byref(attributes), ctypes.sizeof(attributes), ctypes.c_uint32(0)),
    )
    try:
        for folder in readable:
            access = _EXECUTE | _READ_FILE | _READ_DIR | (_WRITE_FILE if folder == Path("/dev") else 0)
            _allow(ruleset, folder, access)
        for folder in writable:
            held = _WRITE_FILE | _READ_FILE | _READ_DIR | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG
            _allow(ruleset, folder, held)
        libc = ctypes.CDLL(None, use_errno=True)
        _must("give up new privileges", libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _must("restrict itself", _call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)))
    finally:
        os.close(ruleset)
    return True


def _allow(ruleset: int, folder: Path, access: int) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        rule = _PathBeneath(access, descriptor)
        _must(
            f"allow {folder}",
            _call(
                _ADD_RULE,
                ctypes.c_int(ruleset),
                ctypes.c_int(_RULE_PATH_BENEATH),
                ctypes.byref(rule),
                ctypes.c_uint32(0),
            ),
        )
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    return int(libc.syscall(ctypes.c_long(number), *arguments))


def _must(what: str, answer: int) -> int:
    if answer < 0:
        raise FederationError(f"landlock: cannot {what}: {os.strerror(ctypes.get_errno())}")
    return answer
