"""Where each result of a study is stored. Rules use these paths; scripts read theirs from `snakemake.input`."""

from dataclasses import dataclass, replace

SCRATCH = "scratch"
"""In a seed's folder: the checkpoints of trainings that are not done."""
PARTIAL = ".partial"
"""After the name of a file: the folder with what is downloaded for it."""


@dataclass(frozen=True)
class Paths:
    """Paths below `results/{study}`; `seed` may be a number or the wildcard `{seed}`."""

    study: str
    seed: str = "{seed}"

    def at(self, seed: int | str) -> "Paths":
        """The paths of one seed."""
        return replace(self, seed=str(seed))

    @property
    def root(self) -> str:
        """The study's folder."""
        return f"results/{self.study}"

    @property
    def home(self) -> str:
        """The seed's folder."""
        return f"{self.root}/seed-{self.seed}"

    @property
    def scratch(self) -> str:
        """Checkpoints of trainings that are not done."""
        return f"{self.home}/{SCRATCH}"

    def questions(self, dataset: str, split: str) -> str:
        return f"{self.home}/datasets/{dataset}/{split}.parquet"

    def data(self, name: str) -> str:
        return f"{self.root}/data/{name}.parquet"

    def fetched(self, model: str) -> str:
        return f"{self.root}/hub/{model}"

    def model(self, model: str) -> str:
        return f"{self.home}/models/{model}"

    def vectors(self, attacker: str) -> str:
        return f"{self.home}/vectors/{attacker}.safetensors"

    def member(self, member: str) -> str:
        return f"{self.home}/members/{member}.json"

    def responses(self, member: str, dataset: str, split: str) -> str:
        return f"{self.home}/responses/{member}/{dataset}/{split}.parquet"

    def response_scores(self, member: str, dataset: str, split: str) -> str:
        return f"{self.home}/scores/responses/{member}/{dataset}/{split}.parquet"

    def rewards(self, member: str, dataset: str, split: str) -> str:
        return f"{self.home}/rewards/{member}/{dataset}/{split}.parquet"

    def verdicts(self, member: str, dataset: str, split: str) -> str:
        return f"{self.home}/verdicts/{member}/{dataset}/{split}.parquet"

    def rankings(self, pool: str, dataset: str, split: str) -> str:
        return f"{self.home}/rankings/{pool}/{dataset}/{split}.parquet"

    def router(self, pool: str, method: str, dataset: str) -> str:
        return f"{self.home}/routers/{pool}/{method}/{dataset}"

    def merges(self, pool: str, method: str, dataset: str) -> str:
        return f"{self.home}/merges/{pool}/{method}/{dataset}"

    def run(self, pool: str, method: str, dataset: str) -> str:
        return f"{self.home}/runs/{pool}/{method}/{dataset}.parquet"

    def transcript(self, pool: str, method: str, dataset: str) -> str:
        return f"{self.home}/transcripts/{pool}/{method}/{dataset}.parquet"

    def run_scores(self, pool: str, method: str, dataset: str) -> str:
        return f"{self.home}/scores/runs/{pool}/{method}/{dataset}.parquet"

    def cost(self, rule: str, job: str) -> str:
        return f"{self.home}/costs/{rule}/{job}.json"

    def log(self, rule: str, job: str) -> str:
        return f"{self.home}/logs/{rule}/{job}.log"

    def table(self, name: str, suffix: str) -> str:
        return f"{self.root}/tables/{name}.{suffix}"

    def manifest(self, name: str) -> str:
        return self.table(name, "manifest.json")

    def figure(self, name: str, suffix: str = "png") -> str:
        return f"{self.root}/figures/{name}.{suffix}"

    @property
    def viewer(self) -> str:
        return f"{self.root}/viewer"
