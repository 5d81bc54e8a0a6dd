"""Rule member: what to load and how to prompt it, with the fingerprint of everything that decides its answers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from _helpers import Job, rule_job
from amongus.core.checksums import hash_file
from amongus.core.snakemake_job import Named
from amongus.members.member import Member, known_fingerprint, member_fingerprint, save_member
from amongus.study import plugins

snakemake: Job


def build(name: str, description: Mapping[str, Any], personas: Mapping[str, Sequence[str]], parts: Named) -> Member:
    """The member `name`; an attacker is made from the member it replaces.

    Args:
        name: of the member.
        description: `Study.member_description`.
        personas: those it may speak under.
        parts: paths of its checkpoints, `base` and perhaps `adapter`, and of what was `trained` for an attacker.
    """
    persona = description["persona"]
    member = Member(
        name=name,
        base=str(parts["base"]),
        adapter=parts.get("adapter"),
        system=personas[persona][0] if persona else None,
        description=description["description"],
    )
    if "attacker" in description:
        settings, trained = dict(description["attacker"]), parts.get("trained")
        kind = settings.pop("kind")
        spec = plugins.typed("attackers", kind, settings)
        attacker = plugins.module("attackers", kind)
        member = attacker.member(name, spec, member, Path(trained) if trained else None, personas)
    return replace(member, fingerprint=member_fingerprint(member, _parts(member)))


def _parts(member: Member) -> dict[str, str]:
    """Fingerprints of the files behind a member."""
    folders = {"base": member.base, "adapter": member.adapter}
    parts = {role: known_fingerprint(folder) for role, folder in folders.items() if folder}
    if member.steering:
        parts["vector"] = hash_file(member.steering.path)
    return parts


def main(snakemake: Job) -> None:
    """Write the member's JSON."""
    params = snakemake.params
    save_member(snakemake.output[0], build(params.name, params.description, params.personas, snakemake.input))


if __name__ == "__main__":
    with rule_job(snakemake):
        main(snakemake)
