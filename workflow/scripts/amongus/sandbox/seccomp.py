"""A filter of system calls that neither an answer nor its tests need and that namespaces do not block.

It denies sockets of other families than the internet's and local ones (a virtual machine's vsock belongs to no network
namespace), memory that no process's size shows, tracing, and changes to limits and priorities of other processes.
"""

import platform
import struct

_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_DENY = 0x00050000 | 1  # EPERM
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_SOCKET_FAMILIES = (1, 2, 10)  # local, IPv4, IPv6

# Numbers on x86_64 and aarch64.
_DENIED = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "memfd_create": (319, 279),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "kexec_load": (246, 104),
    "personality": (135, 92),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "setns": (308, 268),
    "unshare": (272, 97),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
}
# The same number on every machine.
_DENIED_NEWER = (
    *range(425, 428),  # io_uring_setup, io_uring_enter, io_uring_register
    *range(428, 434),  # open_tree, move_mount, fsopen, fsconfig, fsmount, fspick
    *(438, 440, 442, 447),  # pidfd_getfd, process_madvise, mount_setattr, memfd_secret
)
# Allowed for the calling process itself (first argument 0), not for another.
_OWN_PROCESS_ONLY = {
    "prlimit64": (302, 261),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
}
_SOCKET = (41, 198)
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def program(machine: str = platform.machine()) -> bytes | None:
    """The filter as BPF instructions, or None on a machine whose calls are not listed here."""
    if machine not in _ARCHITECTURES:
        return None
    column = list(_ARCHITECTURES).index(machine)
    code = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, 0x40000000),  # x86_64's x32 calls
        (_RETURN, 0, 0, _DENY),
    ]
    for number in (*(numbers[column] for numbers in _DENIED.values()), *_DENIED_NEWER):
        code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _DENY)]
    for numbers in _OWN_PROCESS_ONLY.values():
        code += [(_EQUAL, 0, 4, numbers[column]), (_LOAD, 0, 0, _FIRST_ARGUMENT), (_EQUAL, 1, 0, 0)]
        code += [(_RETURN, 0, 0, _DENY), (_RETURN, 0, 0, _ALLOW)]
    families = [(_EQUAL, len(_SOCKET_FAMILIES) - place, 0, f) for place, f in enumerate(_SOCKET_FAMILIES)]
    code += [
        (_EQUAL, 0, 2 + len(families), _SOCKET[column]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        *families,
        (_RETURN, 0, 0, _DENY),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("<HBBI", *one) for one in code)
