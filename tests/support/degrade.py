"""Starts a program on a kernel that lacks something: `degrade.py WHAT,WHAT PROGRAM ARGUMENT ...`.

A filter answers the calls that would give it as a kernel, a container or a security module without it does.
"""

import ctypes
import os
import platform
import struct
import sys

UNSHARE, SECCOMP = {"x86_64": (272, 317), "aarch64": (97, 277)}[platform.machine()]
LANDLOCK, FSOPEN, RESTRICT, MOUNT_SETATTR = 444, 430, 446, 442
EPERM, ENOSPC, ENOSYS = 1, 28, 38
# Call, bits of the first argument (0: whatever it is), error.
RULES = {
    "userns": (UNSHARE, 0x10000000, ENOSPC),
    "netns": (UNSHARE, 0x40000000, EPERM),
    "pidns": (UNSHARE, 0x20000000, EPERM),
    "seccomp": (SECCOMP, 0, ENOSYS),
    "landlock": (LANDLOCK, 0, ENOSYS),
    "fsopen": (FSOPEN, 0, EPERM),
    # The worst of them: says that it is done, and has done nothing.
    "silent-seccomp": (SECCOMP, 0, 0),
    "silent-landlock": (RESTRICT, 0, 0),
    "silent-mounts": (MOUNT_SETATTR, 0, 0),
}


def statement(code, value, yes=0, no=0):
    return struct.pack("HBBI", code, yes, no, value)


LOAD, EQUAL, SET, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000


def program(names):
    code = []
    for call, bits, error in (RULES[name] for name in names):
        code += [statement(LOAD, 0), statement(EQUAL, call, 0, 3 if bits else 1)]
        if bits:
            code += [statement(LOAD, 16), statement(SET, bits, 0, 1)]
        code += [statement(RETURN, ERRNO | error)]
    return b"".join(code + [statement(RETURN, ALLOW)])


def main():
    code = program(sys.argv[1].split(","))
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(code, len(code))
    filtered = struct.pack("H6xQ", len(code) // 8, ctypes.addressof(buffer))
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.c_char_p(filtered)):
        raise OSError(ctypes.get_errno(), "no filter")
    os.execvp(sys.argv[2], sys.argv[2:])


main()
