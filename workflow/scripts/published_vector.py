"""Rule published_vector: published steering vectors, as safetensors."""

from _helpers import Job, run
from amongus.core import download
from amongus.core.atomic import whole_file
from amongus.members.steering_vectors import read_published

snakemake: Job


def main(snakemake: Job) -> None:
    """Convert the pinned file of `params.spec`."""
    from safetensors.torch import save_file

    content, where = download.content(snakemake.params.spec, f"attacker '{snakemake.params.name}' vectors")
    vectors = read_published(content, where)
    with whole_file(snakemake.output.vectors) as target:
        save_file({"vectors": vectors}, str(target))


if __name__ == "__main__":
    run(snakemake, main)
