# The two commands to know are `make demo` and `make test`.
SHELL := /bin/bash
PYTHON ?= python3.11
CORES ?= all
VENV := .venv
BIN := $(VENV)/bin
PYTEST := pytest -q -n 3 --dist loadfile --no-loadscope-reorder --durations=30 --durations-min=10
SLURM := slurmctld slurmd slurm-client munge
# Scripts of rules are started as `python`: the environment's must come first.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help demo demo-full demo-seeds sample rehearsal pin schema plan doctor test test-slow test-all soak bubblewrap slurmd lint format bench check-data verify compact docs oracles lock view chromium clean

help: ## Show the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

$(VENV)/.installed: requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	touch $@

demo: $(VENV)/.installed ## Run the demo study and its report (results/demo).
	snakemake --cores $(CORES)
	snakemake --report results/demo/report.html

view: $(VENV)/.installed ## Make the pages of a study to look behind its figures (results/{study}/viewer/index.html; CONFIG=study file; default the demo).
	snakemake viewer --cores $(CORES) $(if $(CONFIG),--configfile $(CONFIG))

demo-full: $(VENV)/.installed ## Run every method, defence and pool of the demo (results/demo_full; no time limit).
	snakemake --cores $(CORES) --configfile config/demo.yaml config/demo_full.yaml

demo-seeds: $(VENV)/.installed ## Run the demo under ten seeds, a world each (results/demo_seeds; hours; a stopped run continues).
	snakemake --cores $(CORES) --configfile config/demo.yaml --config study=demo_seeds 'seeds=[101,102,103,104,105,106,107,108,109,110]'

sample: $(VENV)/.installed ## Run the same rules on a few real questions (DATASETS=folder with the JSON files).
	snakemake --cores $(CORES) --configfile config/sample.yaml $(if $(DATASETS),--config datasets_folder=$(DATASETS))

rehearsal: $(VENV)/.installed ## Run the paper's study with tiny models on a few rows (DATASETS=folder with the real JSON files).
	python tests/support/rehearsal.py .rehearsal $(DATASETS)
	snakemake --cores $(CORES) --configfile config/paper.yaml config/rehearsal.yaml .rehearsal/sources.yaml

pin: $(VENV)/.installed ## Replace each `revision: unpinned` of a study by the hub's current commit (CONFIG=config/x.yaml).
	@test -n "$(CONFIG)" || { echo "make pin CONFIG=config/x.yaml"; exit 1; }
	PYTHONPATH=workflow/scripts python -m amongus.hub.pin $(CONFIG)

schema: $(VENV)/.installed ## Write config/schema.yaml from the settings' classes.
	PYTHONPATH=workflow/scripts python -m amongus.study.schema > .schema.yaml && mv .schema.yaml config/schema.yaml

plan: $(VENV)/.installed ## Print how many prompts and how much disk a study may need (CONFIG=config/x.yaml; default the demo).
	@PYTHONPATH=workflow/scripts python -m amongus.cli.plan $(if $(CONFIG),--config $(CONFIG))

doctor: $(VENV)/.installed ## Print what a study lacks on this machine (CONFIG=config/x.yaml; default the demo).
	@PYTHONPATH=workflow/scripts python -m amongus.cli.doctor $(if $(CONFIG),--config $(CONFIG))

test: $(VENV)/.installed bubblewrap ## Run the quick tests: no whole study, no Slurm, no real training.
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/.installed bubblewrap slurmd chromium ## Run the slow tests.
	$(PYTEST) -m slow

test-all: test test-slow ## Run all tests.

soak: $(VENV)/.installed bubblewrap slurmd ## Inject faults into a study at random times, here and through Slurm (TRIALS=11, SEED=1; about an hour).
	OMP_NUM_THREADS=1 PYTHONPATH=workflow/scripts python tests/support/soak.py $(if $(TRIALS),--trials $(TRIALS)) $(if $(SEED),--seed $(SEED))

bubblewrap: ## Install the sandbox for scored code if it is missing (as root).
	@command -v bwrap >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && { apt-get install -y -qq bubblewrap || { apt-get update -qq && apt-get install -y -qq bubblewrap; }; } >/dev/null; } \
	  || echo "bubblewrap is not installed: code is not scored, and the tests of that are skipped"

slurmd: ## Install Slurm for the tests if it is missing (as root).
	@command -v slurmctld >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && { apt-get install -y -qq --no-install-recommends $(SLURM) || { apt-get update -qq \
	  && apt-get install -y -qq --no-install-recommends $(SLURM); }; } >/dev/null; } \
	  || echo "Slurm is not installed: its tests are skipped"

chromium: ## Install the browser for the tests of the viewer if it is missing (as root).
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && { apt-get install -y -qq --no-install-recommends chromium || { apt-get update -qq \
	  && apt-get install -y -qq --no-install-recommends chromium; }; } >/dev/null; } \
	  || echo "Chromium is not installed: the tests of the viewer's pages are skipped"

lint: $(VENV)/.installed ## Check style, types, import layers and Snakemake files.
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	snakemake --lint
	PYTHONPATH=workflow/scripts lint-imports --no-cache --no-logo
	mypy

format: $(VENV)/.installed ## Fix style.
	ruff check --fix .
	ruff format .
	snakefmt Snakefile rules

bench: $(VENV)/.installed ## Measure the engine against plain baselines (CPU-time ratios).
	OMP_NUM_THREADS=1 python benchmarks/bench.py results/bench.json

check-data: $(VENV)/.installed ## Check prompts and scorers on all real rows (DATASETS=folder with the JSON files; minutes).
	@test -n "$(DATASETS)" || { echo "make check-data DATASETS=/folder/with/json"; exit 1; }
	OMP_NUM_THREADS=1 python benchmarks/check_data.py $(DATASETS)

verify: $(VENV)/.installed ## Check the results against their checksums (CONFIG=study file: its own and its store; MOVE=1 moves damage aside).
	@PYTHONPATH=workflow/scripts python -m amongus.cli.integrity --config $(CONFIG) $(if $(MOVE),--move)

compact: $(VENV)/.installed ## Merge the many small shards of the store (CONFIG=study file, for a store of its own).
	@PYTHONPATH=workflow/scripts python -m amongus.cli.compact --config $(CONFIG)

docs: $(VENV)/.installed ## Bring a study's figures into README.md and docs/ (RESULTS=results/demo NAME=demo, the defaults).
	python docs/update.py $(or $(RESULTS),results/demo) $(or $(NAME),demo)

oracles: ## Record again what mergekit's TIES gives (tests/oracles; downloads its own environment, .oracles).
	$(PYTHON) -m venv .oracles
	.oracles/bin/python -m pip install --quiet --disable-pip-version-check -r tests/oracles/requirements.txt
	OMP_NUM_THREADS=1 .oracles/bin/python tests/oracles/record_mergekit.py

lock: ## Pin everything that requirements.in pulls in.
	rm -rf .lock && $(PYTHON) -m venv .lock
	.lock/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.in
	{ echo "# Made by 'make lock' from requirements.in."; .lock/bin/python -m pip freeze | sed 's/+cpu$$//'; } > requirements.lock
	rm -rf .lock

clean: ## Remove all results, but not the environment.
	rm -rf results .snakemake
