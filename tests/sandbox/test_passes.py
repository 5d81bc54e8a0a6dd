"""What counts as a pass of a program in the sandbox: its own end, and no word of anybody else's."""

import os
import sys

import pytest

from amongus import sandbox
from amongus.sandbox import bubblewrap, execution
from sandboxed import obstacle, run

pytestmark = pytest.mark.skipif(bool(obstacle()), reason=obstacle())


def test_a_program_that_comes_to_its_end_passed():
    result = run("import sys\nprint('out')\nprint('error', file=sys.stderr)\nassert 1 + 1 == 2")
    assert (result.status, result.stdout, result.stderr, result.reason) == ("passed", "out\n", "error\n", "")
    assert 0 < result.seconds < 3


@pytest.mark.parametrize(
    "source",
    [
        "assert False",
        "import sys; sys.exit(0)",
        "raise SystemExit",
        "import os; os._exit(0)",
        "import os; os.kill(os.getpid(), 9)",
        "import os, sys; os.execv(sys.executable, [sys.executable, '-c', ''])",
        "def (",
        "x = '\0'",
        "import atexit, os; atexit.register(os._exit, 0); assert False",
        "import threading, sys; threading.Timer(0.05, print, ['passed']).start(); sys.exit(0)",
        'print(\'{"status": "passed", "reason": "", "nonce": ""}\'); assert False',
        "import os\nfor fd in range(256):\n    try: os.close(fd)\n    except OSError: pass\nos._exit(0)",
        "f = lambda: f()\nf()",
        "compile('(' * 100000 + ')' * 100000, '', 'eval')",
    ],
)
def test_no_other_end_is_a_pass(source):
    assert run(source).status == "failed"


COPIES = {
    "each guesses": """
        import os
        guess = None
        for number in range(12):
            if os.fork() == 0:
                guess = number
                break
        assert guess == 7
    """,
    "the copy ends for it": """
        import os
        copy = os.fork()
        if copy:
            os.waitpid(copy, 0)
            assert False
    """,
    "it leaves": "import os\nif os.fork(): os._exit(3)",
    "it leaves as if all were well": "import os\nif os.fork(): os._exit(0)",
    "it becomes another": """
        import os, sys
        if os.fork():
            os.execv(sys.executable, [sys.executable, "-c", ""])
    """,
    "it is killed": "import os\nif os.fork() == 0: os.kill(os.getppid(), 9)\nos.wait()",
    "the copy speaks for it": """
        import os, sys, time
        channel = sys._getframe(1).f_locals["channel"]
        if os.fork() == 0:
            channel.send({"end": True})
            channel.send({"answer": "program " + channel.receive("challenge")["challenge"][::-1]})
            os._exit(0)
        time.sleep(0.5)
        assert False
    """,
    "it dies once it has answered": """
        import os, sys
        channel = sys._getframe(1).f_locals["channel"]
        answer = type(channel).send
        def send(self, message):
            answer(self, message)
            if "answer" in message:
                os._exit(3)
        type(channel).send = send
    """,
}


@pytest.mark.parametrize("source", COPIES.values(), ids=COPIES)
def test_no_copy_of_a_program_ends_for_it(source):
    result = run(source)
    assert result.status == "failed" and "process 1" not in result.reason, result


def test_copies_that_end_too_do_no_harm():
    result = run("import os, time\nif os.fork(): time.sleep(0.2)\nprint(end='x')")
    assert (result.status, result.stdout) == ("passed", "xx")
    result = run("import os\nif os.fork() == 0: raise SystemExit\nos.wait()")
    assert result.status == "passed", result
    result = run("import os, time\nif os.fork() == 0: time.sleep(9)")
    assert result.status == "passed" and result.seconds < 3


SPRAY = """
import gc, os, sys
found, frame = [b"passed", b'{"end": true}', b'{"status": "passed"}'], sys._getframe()
while frame:
    found += [repr(value).encode() for space in (frame.f_locals, frame.f_globals) for value in space.values()]
    found += [value.encode() for value in frame.f_code.co_consts if isinstance(value, str)]
    frame = frame.f_back
for thing in gc.get_objects():
    if type(thing) is dict and "nonce" in thing:
        found.append(repr(thing).encode())
found.sort(key=len)
for fd in range(256):
    try:
        os.set_blocking(fd, False)
        for one in found[:500]:
            os.write(fd, one[:4000])
    except OSError:
        pass
os._exit(0)
"""


VERDICT = """
import json, os, struct
def read():
    return os.read(0, struct.unpack("<Q", os.read(0, 8))[0])
def say(content):
    os.write({descriptor}, struct.pack("<Q", len(content)) + content)
read()
nonce = json.loads(read())["nonce"]
say(b'{{"ready": true}}')
say({content!r}.replace(b"NONCE", b'"nonce": "%s"' % nonce.encode()))
"""


@pytest.fixture
def saying(monkeypatch):
    """A function that runs a sandbox whose process 1 says this and no more."""
    sandbox.preflight()

    def launched(content):
        def python(descriptor):
            source = VERDICT.format(descriptor=descriptor, content=content)
            return [os.path.realpath(sys.executable), "-c", source]

        monkeypatch.setattr(bubblewrap, "_python", python)
        return run("")

    return launched


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\xff", b"{", b"[1]", b"7", b"[" * 100_000, b"{NONCE}"),
        b'{NONCE, "status": "refused", "reason": ""}',
        b'{NONCE, "status": ["passed"], "reason": ""}',
        b'{NONCE, "status": "forged", "reason": ""}',
        b'{NONCE, "status": "failed"}',
        b'{"nonce": "0", "status": "passed", "reason": ""}',
    ],
    ids=lambda content: content[:40].decode(errors="replace"),
)
def test_a_damaged_verdict_is_a_failed_run(saying, content):
    assert saying(content).status == "failed"


def test_a_whole_verdict_counts(saying):
    assert saying(b'{NONCE, "status": "passed", "reason": ""}').status == "passed"


def test_what_stands_in_frames_written_to_every_descriptor_is_no_pass():
    result = run(SPRAY)
    assert result.status == "failed", result


def test_the_nonce_is_not_in_the_memory_of_the_program(monkeypatch):
    monkeypatch.setattr(execution.secrets, "token_hex", lambda size: "feedface" * 4)
    result = run(
        """
        import re, time
        time.sleep(0.3)  # process 1 has read it by now
        wanted, searched = re.compile(b"(?:feedface){4}"), 0
        with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
            for line in maps:
                begin, end = (int(part, 16) for part in line.split()[0].split("-"))
                try:
                    memory.seek(begin)
                    content = memory.read(end - begin)
                except (OSError, ValueError, OverflowError):
                    continue
                assert not wanted.search(content), line
                searched += len(content)
        assert searched > 5_000_000
        """
    )
    assert result.status == "passed", result
