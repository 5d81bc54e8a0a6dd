"""All checks of a study, one after the other."""

from collections.abc import Callable, Iterable
from socket import gethostname

from amongus.cli.doctor import machine, sources
from amongus.cli.doctor.findings import Finding, missing, report
from amongus.study.study import Study

Check = Callable[[Study], list[Finding]]

CHECKS: tuple[Check, ...] = (
    sources.checksums,
    sources.local,
    sources.revisions,
    sources.token,
    sources.reachable,
    machine.graphics,
    machine.processors,
    machine.disk,
    machine.isolation,
    machine.libraries,
    machine.store,
    machine.mask,
)
"""In the order of the work: what a study is made from, then the machine."""


def examine(study: Study, checks: Iterable[Check] = CHECKS) -> list[Finding]:
    """What every check finds; one that breaks is a finding itself and keeps no other from being made."""
    findings = []
    for check in checks:
        try:
            findings += check(study)
        except Exception as error:  # Whatever it is: the rest is worth knowing.
            line = f"{check.__name__} could not be checked ({type(error).__name__}: {error})"
            findings.append(missing(line, "mend that first"))
    return findings


def text(study: Study) -> str:
    """The report as it is printed."""
    head = f"Study {study.name} on {gethostname()} (on a cluster, ask where jobs run)"
    return f"{head}\n\n{report(examine(study))}"
