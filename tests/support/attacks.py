"""Answers to a question for `doubled(xs)` that mean to pass its tests without doubling anything."""

ATTACKS = {
    "exit": """
import sys
def doubled(xs): sys.exit(0)
""",
    "exit at once": """
import os
os._exit(0)
""",
    "replaced builtins": """
import builtins
builtins.AssertionError = KeyboardInterrupt
builtins.exec = lambda *a: None
def doubled(xs): return 0
""",
    "the tests' names": """
def check(candidate): pass
def doubled(xs):
    import sys
    f = sys._getframe()
    while f:
        f.f_globals['check'] = f.f_globals['candidate'] = check
        f = f.f_back
    return 0
""",
    "equals everything": """
class E(list):
    __eq__ = lambda s, o: True
    __ne__ = lambda s, o: False
    __hash__ = None
def doubled(xs): return E()
""",
    "equal numbers": """
class E(int):
    __eq__ = lambda s, o: True
def doubled(xs): return E(7)
""",
    "says it is a list": """
class E:
    __class__ = list
    __eq__ = lambda s, o: True
def doubled(xs): return E()
""",
    "prints": """
def doubled(xs):
    print('{"status": "passed"}')
    return 0
""",
    "writes everywhere": """
import os
def doubled(xs):
    for fd in range(99):
        try: os.write(fd, b'{"status": "passed"}' * 9)
        except OSError: pass
    return 0
""",
    "speaks the protocol": """
import json, os, struct
def doubled(xs):
    for m in ({'end': 1}, {'answer': ''}, {'status': 'passed'}):
        c = json.dumps(m).encode()
        for fd in range(99):
            try: os.write(fd, struct.pack('<Q', len(c)) + c)
            except OSError: pass
    return 0
""",
    "walks frames": """
import gc, sys
def doubled(xs):
    f = sys._getframe()
    while f:
        for k in list(f.f_locals): f.f_locals[k] = True
        f = f.f_back
    [d.update(status='passed') for d in gc.get_objects() if type(d) is dict and 'nonce' in d]
    return 0
""",
    "traces": """
import sys
sys.settrace(lambda *a: None)
def doubled(xs): raise StopIteration
""",
    "raises what tests may catch": """
def doubled(xs): raise SystemExit
""",
    "endless": """
def doubled(xs):
    while True: pass
""",
    "huge": """
def doubled(xs): return [0] * 10**9
""",
    "deep": """
def doubled(xs):
    x = []
    for _ in range(10**5): x = [x]
    return x
""",
    "many digits": """
def doubled(xs): return 1 << 10**7
""",
}

_WRITE_PASSED = """
import sys
import numpy as np
from scipy.optimize import OptimizeResult
text = sys.intern("failed")
view = {"version": 3, "shape": (6,), "typestr": "|u1", "data": (id(text) + sys.getsizeof(text) - 7, False)}
class Write:
    def __reduce__(self):
        return np.matrix, (memory, None, False), None, None, iter(((0, i), c) for i, c in enumerate(b"passed"))
"""

RESULTS = {
    "a view of the verdict": f"""{_WRITE_PASSED}
memory = OptimizeResult(__array_interface__=view)
result = Write()
""",
    "a view of the verdict as the harness would send it": f"""{_WRITE_PASSED}
import pickle
memory = OptimizeResult(__array_interface__=view)
frame = sys._getframe()
while "channel" not in frame.f_locals:
    frame = frame.f_back
frame.f_locals["channel"].send({{"result": pickle.dumps(Write(), 5).hex()}})
result = 0
""",
    "an array with a pointer": """
import sys
frame = sys._getframe()
while "channel" not in frame.f_locals:
    frame = frame.f_back
frame.f_locals["channel"].send({"result": {"array": ["|O", [1], "10" * 8]}})
result = 0
""",
    "a matrix with a place outside": """
import struct, sys
frame = sys._getframe()
while "channel" not in frame.f_locals:
    frame = frame.f_back
one, place = ["<f8", [1], struct.pack("<d", 3).hex()], ["<i4", [1], struct.pack("<i", 1 << 30).hex()]
frame.f_locals["channel"].send({"result": {"sparse": ["csr_matrix", [1, 1], [one, place, place]]}})
result = 0
""",
}
"""Answers to a question for `result` that mean to reach the process that judges it."""
