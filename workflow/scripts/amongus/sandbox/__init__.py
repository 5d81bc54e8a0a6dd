"""Runs code that a model wrote, each time in a sandbox of its own, with a verdict that the code cannot forge.

Each run is one bubblewrap sandbox (docs/sandbox.md); without a working bubblewrap nothing is run.

**What counts as a pass.** Neither exit codes nor output: only process 1 of the sandbox, which runs trusted code, knows
the nonce of the run, and it receives the nonce after it has forked the process that runs the code under test.

- `call`: the tests run in process 1 and call the function in its process. Arguments and results cross as plain data, so
  nothing the code under test does to its interpreter (builtins, frames, `sys.exit`, equality) reaches the tests.
- `execute`: the same for code that makes a `result`; its arrays, frames and matrices cross as plain data as well. The
  remaining risk is a flaw in compiled code of numpy, pandas or scipy that well-formed values reach.
- `run`: a whole program, its tests included, in one interpreter. Here a pass means that the program reached its end.
  **A program that knows this package can forge that**: it can use the harness in its own process, or patch what its
  own tests use. Guesses do not pass. Use `call` or `execute` where possible.
"""

from amongus.sandbox.bubblewrap import Limits
from amongus.sandbox.execution import Result, call, execute, preflight, run

__all__ = ["Limits", "Result", "call", "execute", "preflight", "run"]
