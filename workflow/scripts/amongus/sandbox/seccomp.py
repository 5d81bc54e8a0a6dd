"""A filter of system calls: what neither an answer nor its tests need, and namespaces do not hold back.

Above all sockets of other families than the internet's and local ones (a virtual machine's vsock belongs to no network
namespace), memory that no process's size shows, tracing, and limits and priorities of other processes, process 1 among them.
"""

import platform
import struct

_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_DENY = 0x00050000 | 1  # EPERM
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_SOCKET_FAMILIES = (1, 2, 10)  # local, IPv4, IPv6

# ptrace, process_vm_readv, process_vm_writev, memfd_create, shmget, msgget, semget, keyctl, add_key, request_key,
# bpf, perf_event_open, userfaultfd, kexec_load, personality, mount, umount2, pivot_root, setns, unshare, setpriority,
# ioprio_set; then those with the same number everywhere: io_uring_*, open_tree, move_mount, fs*, pidfd_getfd,
# process_madvise, mount_setattr, memfd_secret. Of a process that is named by its number, but allowed for the caller (0):
# prlimit64, sched_setaffinity, sched_setscheduler, sched_setparam, sched_setattr, migrate_pages, move_pages.
_ANYWHERE = (425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 440, 442, 447)
_MACHINES = {
    "x86_64": (
        0xC000003E,
        41,
        (
            *(101, 310, 311, 319, 29, 68, 64, 250, 248, 249, 321),
            *(298, 323, 246, 135, 165, 166, 155, 308, 272, 141, 251),
        ),
        (302, 203, 144, 142, 314, 256, 279),
    ),
    "aarch64": (
        0xC00000B7,
        198,
        (
            *(117, 270, 271, 279, 194, 186, 190, 219, 217, 218, 280),
            *(241, 282, 104, 92, 40, 39, 41, 268, 97, 140, 30),
        ),
        (261, 122, 119, 118, 274, 238, 239),
    ),
}


def program(machine: str = platform.machine()) -> bytes | None:
    """The filter in the kernel's form, or None on a machine whose calls are not listed here."""
    if machine not in _MACHINES:
        return None
    architecture, socket, denied, own = _MACHINES[machine]
    code = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, 0x40000000),  # the second table of x86_64
        (_RETURN, 0, 0, _DENY),
    ]
    for number in (*denied, *_ANYWHERE):
        code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _DENY)]
    for number in own:
        code += [(_EQUAL, 0, 4, number), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_EQUAL, 1, 0, 0)]
        code += [(_RETURN, 0, 0, _DENY), (_RETURN, 0, 0, _ALLOW)]
    families = [(_EQUAL, len(_SOCKET_FAMILIES) - place, 0, f) for place, f in enumerate(_SOCKET_FAMILIES)]
    code += [
        (_EQUAL, 0, 2 + len(families), socket),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        *families,
        (_RETURN, 0, 0, _DENY),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("<HBBI", *one) for one in code)
