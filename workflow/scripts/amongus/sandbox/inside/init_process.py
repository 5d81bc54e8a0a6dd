"""Process 1 of a sandbox: runs code under test in a child process, and alone can report that it passed.

It is started by `amongus.sandbox` with the code under test on descriptor 0. A second descriptor holds a secret part
(the nonce, the tests): it is read after the child is forked and closed in the child, so that the child's memory never
holds any of it. Verdicts go to a descriptor that the child does not have either. The child cannot trace this process,
open it through /proc or signal it.

Kinds of jobs:
    program   the child runs a program to its end: the child itself, not a fork of it.
    function  the tests run here and call a function in the child; arguments and results cross as plain data.
    context   the tests run here and have the child execute code on their inputs; results cross as data.
"""

import builtins
import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from amongus.sandbox.inside.plain_values import pack, unpack

LARGEST = 32 << 20  # bytes of one message
_PR_SET_DUMPABLE = 4
_CREDENTIALS = struct.Struct("3i")  # process, user, group


class Tampered(Exception):
    """The child sent something that the harness in it would not send."""


class Failed(Exception):
    """The code under test failed; holds the type's name and the message."""


class Channel:
    """Messages between the two processes: JSON, a line each. What any process but `sender` sends is ignored."""

    def __init__(self, end: socket.socket, sender: int | None = None) -> None:
        self.end, self.sender, self.rest = end, sender, b""

    def send(self, message: dict[str, Any]) -> None:
        self.end.sendall(json.dumps(message).encode() + b"\n")

    def receive(self, *wanted: str) -> dict[str, Any]:
        """The next message, which holds one of the keys `wanted`.

        Raises:
            EOFError: the sender has ended, or the other end is closed.
            Failed: it reports a failure.
            Tampered: the message is malformed, or longer than `LARGEST`.
        """
        line, part = bytearray(), self.rest
        while b"\n" not in part:
            line += part
            if len(line) > LARGEST:
                raise Tampered("a message that is too long")
            part = self._part()
        last, _, self.rest = part.partition(b"\n")
        try:
            message = json.loads(line + last)
            failed = message.get("failed")
        except (ValueError, AttributeError, RecursionError):
            raise Tampered("not a message") from None
        if failed:
            raise Failed(str(failed)[:200], str(message.get("message", ""))[:500])
        if not set(wanted) & set(message):
            raise Tampered("an unexpected message")
        return message

    def _part(self) -> bytes:
        """The next bytes of the sender; the kernel never joins those of two processes."""
        while True:
            gone = self.sender and os.waitid(os.P_PID, self.sender, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if not select.select([self.end], [], [], 0 if gone else 0.05)[0]:
                if gone:  # its forks may still hold the other end
                    raise EOFError
                continue
            part, control, _, _ = self.end.recvmsg(1 << 16, socket.CMSG_SPACE(_CREDENTIALS.size))
            if not part:
                raise EOFError
            process, _, _ = _CREDENTIALS.unpack(control[0][2])
            if self.sender in (None, process):
                return part


# -- process 1 ---------------------------------------------------------------------------------------------


def main(secrets: int, verdicts: int) -> NoReturn:
    """Run the job on descriptor 0, and write `{"ready": …}` and then the verdict to the descriptor `verdicts`."""
    _set_dumpable(0)
    for number in (signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    job = _read(0)
    os.open("/dev/null", os.O_RDONLY)  # becomes descriptor 0
    resource.setrlimit(resource.RLIMIT_NPROC, (job["processes"] + 1,) * 2)
    sys.path += job["packages"]
    sys.dont_write_bytecode = True
    for name in job.get("imports", ()):  # once for both processes
        with contextlib.suppress(Exception):  # the tests will fail on it
            __import__(name)
    _seed(job["sources"])
    os.write(verdicts, b'{"ready": true}\n')
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)  # the kernel attaches the sender's id
    child = os.fork()
    if child == 0:
        for descriptor in (secrets, verdicts):
            os.close(descriptor)
        ours.close()
        _child(job, Channel(theirs))
    theirs.close()
    secret = _read(secrets)
    verdict = {**_verdict(job, secret, Channel(ours, child), child), "nonce": secret["nonce"]}
    os.write(verdicts, json.dumps(verdict).encode() + b"\n")
    os._exit(0)  # ends all processes of the sandbox


def _read(descriptor: int) -> dict[str, Any]:
    """What a descriptor holds, which is then closed."""
    with open(descriptor, "rb") as file:
        return json.load(file)


def _set_dumpable(value: int) -> None:
    """Whether others of the same user may read this process's memory and descriptors."""
    if ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, value, 0, 0, 0):
        raise OSError("prctl")


def _seed(sources: list[str]) -> None:
    """The same random numbers in every run; the import is skipped where no source mentions them."""
    if any("random" in source for source in sources):
        import random

        random.seed(0)


def _verdict(job: dict[str, Any], secret: dict[str, Any], channel: Channel, child: int) -> dict[str, Any]:
    checks = {"program": _check_program, "function": _check_function, "context": _check_context}
    try:
        checks[job["kind"]](job, secret, channel)
        status = os.waitpid(child, 0)[1] if job["kind"] == "program" else 0
        if status:
            return _ended(status)
        return {"status": "passed", "reason": ""}
    except EOFError:
        return _ended(os.waitpid(child, 0)[1])
    except Failed as failure:
        kind, message = failure.args
        return {"status": "memory" if kind == "MemoryError" else "failed", "reason": f"{kind}: {message}"}
    except Tampered as fault:
        return {"status": "failed", "reason": f"the result channel was tampered with: {fault}"}
    except BaseException as failure:
        return {"status": "failed", "reason": f"{type(failure).__name__}: {_text(failure)}"}


def _text(failure: BaseException) -> str:
    with contextlib.suppress(Exception):
        return str(failure)[:500]
    return ""


def _ended(status: int) -> dict[str, Any]:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        kind = "timeout" if number == signal.SIGXCPU else "failed"
        return {"status": kind, "reason": f"ended by signal {number} ({signal.Signals(number).name})"}
    return {"status": "failed", "reason": f"exited with status {os.WEXITSTATUS(status)} before its end"}


def _check_program(job: dict[str, Any], secret: dict[str, Any], channel: Channel) -> None:
    channel.receive("end")
    challenge = os.urandom(16).hex()
    channel.send({"challenge": challenge})
    if channel.receive("answer")["answer"] != _answer(challenge):
        raise Tampered("a wrong answer")


def _answer(challenge: str) -> str:
    """The child harness's reply once the program has ended; it cannot be known beforehand."""
    return challenge[::-1]


def _check_function(job: dict[str, Any], secret: dict[str, Any], channel: Channel) -> None:
    def candidate(*args: Any, **kwargs: Any) -> Any:
        """Calls the function in the child; an exception there is raised here, as a builtin one."""
        channel.send({"args": pack(args), "kwargs": pack(kwargs)})
        message = channel.receive("value", "raised")
        if "raised" in message:
            kind = getattr(builtins, str(message["raised"]), None)
            if not (isinstance(kind, type) and issubclass(kind, Exception)):
                kind = RuntimeError
            raise kind(str(message.get("text", ""))[:500])
        try:
            return unpack(message["value"])
        except Exception:
            raise Tampered("a malformed value") from None

    channel.receive("loaded")
    _seed([secret["tests"]])
    namespace: dict[str, Any] = {"__name__": "tests"}
    exec(compile(secret["prelude"], "<question>", "exec"), namespace)
    namespace[job["entry_point"]] = candidate
    exec(compile(secret["tests"], "<tests>", "exec"), namespace)
    namespace["check"](candidate)


def _check_context(job: dict[str, Any], secret: dict[str, Any], channel: Channel) -> None:
    import pickle  # sent to the child only: nothing from the child is unpickled

    from amongus.sandbox.inside import array_values

    def remote(code: str, environment: dict[str, Any]) -> None:
        """Replaces `exec` in the tests: the child executes, and its `result` is returned."""
        channel.send({"code": code, "environment": pickle.dumps(environment).hex()})
        environment["result"] = array_values.unpack(channel.receive("result")["result"])

    namespace: dict[str, Any] = {"__name__": "tests"}
    exec(compile(secret["tests"], "<tests>", "exec"), namespace)
    namespace["exec"] = remote
    for test in ("test_execution", "test_string"):
        if test in namespace:
            namespace[test](secret["solution"])


# -- the child, which runs the code under test ---------------------------------------------------------------


def _child(job: dict[str, Any], channel: Channel) -> NoReturn:
    _set_dumpable(1)  # so that it may read its own files in /proc again
    serve = {"program": _serve_program, "function": _serve_function, "context": _serve_context}
    status = 1
    try:
        serve[job["kind"]](job, channel)
        status = 0
    except BaseException as failure:
        with contextlib.suppress(BaseException):
            if not isinstance(failure, MemoryError):
                import traceback

                traceback.print_exc()
            channel.send({"failed": type(failure).__name__, "message": _text(failure)})
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()
    os._exit(status)


def _compiled(sources: list[str]) -> Any:
    """The first of `sources` that compiles; else the last one's error."""
    *variants, last = sources
    for source in variants:
        with contextlib.suppress(SyntaxError, ValueError, RecursionError):
            return compile(source, "<answer>", "exec", dont_inherit=True)
    return compile(last, "<answer>", "exec", dont_inherit=True)


def _serve_program(job: dict[str, Any], channel: Channel) -> None:
    process = os.getpid()
    exec(_compiled(job["sources"]), {"__name__": "__main__"})
    if os.getpid() == process:  # a fork may not take the challenge
        channel.send({"end": True})
        channel.send({"answer": _answer(channel.receive("challenge")["challenge"])})


def _serve_function(job: dict[str, Any], channel: Channel) -> None:
    namespace: dict[str, Any] = {"__name__": "answer"}
    exec(_compiled(job["sources"]), namespace)
    function: Callable[..., Any] = namespace[job["entry_point"]]
    channel.send({"loaded": True})
    while True:
        message = channel.receive("args")
        try:
            value = function(*unpack(message["args"]), **unpack(message["kwargs"]))
            reply = {"value": pack(value)}
        except MemoryError:
            raise
        except Exception as failure:
            reply = {"raised": type(failure).__name__, "text": _text(failure)}
        channel.send(reply)


def _serve_context(job: dict[str, Any], channel: Channel) -> None:
    import pickle

    from amongus.sandbox.inside import array_values

    while True:
        message = channel.receive("code")
        environment = pickle.loads(bytes.fromhex(message["environment"]))
        exec(_compiled([message["code"]]), environment)
        channel.send({"result": array_values.pack(environment["result"])})
