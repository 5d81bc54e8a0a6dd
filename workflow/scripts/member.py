"""Rule member: what to load and how to prompt it, with the fingerprint of everything that decides its answers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from _helpers import Job, run
from amongus.core.checksums import hash_file
from amongus.core.snakemake_job import Named
from amongus.members.member import Member, known_fingerprint, member_fingerprint, save_member
from amongus.study import plugins

snakemake: Job


def build(name: str, description: Mapping[str, Any], personas: Mapping[str, Sequence[str]], parts: Named) -> Member:
    """The member that `Study.member_description` describes; an attacker is made from the member it replaces.

    `parts` are the paths of its checkpoints, `base` and perhaps `adapter`, and of what was `trained` for an attacker.
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
    folders = {"base": member.base, "adapter": member.adapter}
    fingerprints = {role: known_fingerprint(folder) for role, folder in folders.items() if folder}
    if member.steering:
        fingerprints["vector"] = hash_file(member.steering.path)
    return replace(member, fingerprint=member_fingerprint(member, fingerprints))


def main(snakemake: Job) -> None:
    """Write the member's JSON."""
    params = snakemake.params
    save_member(snakemake.output[0], build(params.name, params.description, params.personas, snakemake.input))


if __name__ == "__main__":
    run(snakemake, main)
