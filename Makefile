# The workflow, executable. HOST, PORT and ANABRANCH_DATA come from the environment:
#   make run PORT=8001 ANABRANCH_DATA=./second
.DEFAULT_GOAL := help
PYTHON_IN = .venv/bin/python
MANAGE = $(PYTHON_IN) manage.py
# A database or a channel layer elsewhere takes packages of its own.
BASE = @sh .ci/bootstrap.sh $(if $(DATABASE_URL)$(REDIS_URL),server,base)
DEV = @sh .ci/bootstrap.sh dev

# Arguments for pytest, for example: make test ARGS="-k stream -x"
ARGS ?=
# How many tests run side by side; each has a database, servers and ports of its own
WORKERS ?= auto
SIDE_BY_SIDE = -n $(WORKERS) --maxprocesses 8 --maxschedchunk 1
# How many seeds to simulate
SEEDS ?= 1000
# How long a soak lasts
MINUTES ?= 120

# The full sizes of the tests of durability, which CI runs in small.
FULL = ANABRANCH_KILLS=1000 ANABRANCH_FAILPOINT_KILLS=20 ANABRANCH_COMMITS=500 \
	ANABRANCH_CANCELS=500 ANABRANCH_STOPS=10 ANABRANCH_RACE_RUNS=1000 ANABRANCH_ZOMBIES=50 \
	ANABRANCH_WATCH_PAGES=1000 ANABRANCH_WATCH_CHUNKS=2400 ANABRANCH_WATCH_SECONDS=600 \
	ANABRANCH_WATCH_SLOW_PAGES=20 ANABRANCH_WATCH_SLOW_MIB=200 ANABRANCH_WATCH_FLAPPING=100 \
	ANABRANCH_WATCH_TINY_CHUNKS=1000000 ANABRANCH_STARVED_PAGES=1000 \
	ANABRANCH_RUNS_UNDER_LOSS=1000 ANABRANCH_LOSS_SECONDS=40 \
	ANABRANCH_JOBS=1000

.PHONY: help screenshots install run demo test test-runner test-postgres simulate durability soak coverage audit types lint format format-check migrations-check check bench state-picture

help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## set up .venv with everything, tools included
	$(DEV)

run: ## serve the app (set-up, database and demo workflows included)
	$(BASE)
	@exec $(MANAGE) serve

test: ## all tests; ARGS="-k stream -x" goes to pytest
	$(DEV)
	@$(PYTHON_IN) -m pytest $(SIDE_BY_SIDE) $(ARGS)

test-runner: ## only the engine's tests, without Django
	$(DEV)
	@env -u DJANGO_SETTINGS_MODULE $(PYTHON_IN) -m pytest -o DJANGO_SETTINGS_MODULE= $(SIDE_BY_SIDE) tests/runner $(ARGS)

simulate: ## whole lives of runs under random crashes: make simulate SEEDS=10000
	$(DEV)
	@$(PYTHON_IN) -m tests.simulation --seeds $(SEEDS)

# Not those that serve: they choose the database themselves.
test-postgres: ## what keeps and shows runs, on a PostgreSQL server (ANABRANCH_TEST_POSTGRES) if one answers
	$(DEV)
	@if url=$$($(PYTHON_IN) -m tests.databases); then \
	  DATABASE_URL=$$url $(PYTHON_IN) -m pytest $(SIDE_BY_SIDE) tests/workflows --ignore tests/workflows/test_serve.py $(ARGS); fi

durability: ## kill, stop and cancel real servers, in full sizes: hours; ARGS="-k sqlite"
	$(DEV)
	@$(FULL) $(PYTHON_IN) -m pytest -s tests/durability $(ARGS)

soak: ## steady work for a long time, and what grows: make soak MINUTES=120
	$(DEV)
	@$(PYTHON_IN) -m tests.durability.soak --minutes $(MINUTES)

coverage: ## all tests with branch coverage, and whether each package keeps its floor
	$(DEV)
	@$(PYTHON_IN) -m pytest $(SIDE_BY_SIDE) --cov --cov-report=term --cov-report=html $(ARGS)
	@$(PYTHON_IN) -m tests.coverage_floors

types: ## mypy, strict
	$(DEV)
	@$(PYTHON_IN) -m mypy

lint: ## ruff, djlint and the import contracts
	$(DEV)
	@.venv/bin/ruff check .
	@if [ -d templates ]; then .venv/bin/djlint --lint --quiet templates; fi
	@.venv/bin/lint-imports --cache-dir .cache/import-linter

format: ## rewrite Python files the way ruff likes them
	$(DEV)
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix --exit-zero .

format-check:
	$(DEV)
	@.venv/bin/ruff format --check .

migrations-check:
	$(DEV)
	@$(MANAGE) makemigrations --check --dry-run

audit: ## look for what must not be in the code: bandit, and rules of our own for semgrep
	$(DEV)
	@sh .ci/audit.sh

check: format-check lint types migrations-check audit coverage test-postgres ## everything CI asks for

bench: ## what a task costs, beside bare asyncio and bare SQLite; ARGS="W1 W4 --rounds 3"
	$(DEV)
	@$(PYTHON_IN) -m tests.benchmarks $(ARGS)

screenshots: ## take docs/screenshots anew from a server of their own; ARGS="failed editor" chooses pages
	$(DEV)
	@$(PYTHON_IN) -m tests.screenshots $(ARGS)

catalogue: ## write docs/catalogue.md from the task types of the library
	$(DEV)
	@$(PYTHON_IN) -m tests.catalogue

state-picture: ## draw docs/states.md from the table of legal moves
	$(DEV)
	@$(PYTHON_IN) -m tests.state_picture
