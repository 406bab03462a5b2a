# Needs make and Python 3.11 or newer; everything else is installed into .venv.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
STAMP := $(VENV)/.installed
# Every Dagster process imports some 1,600 modules; without byte code each compiles them again, and
# where PYTHONDONTWRITEBYTECODE is set nobody but the installation would write it.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install demo dev test test-properties test-postgresql test-postgresql-quick chaos screenshots up down compose-check lint audit format

help: ## Show what there is to do
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-22s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
		{ echo "This Python cannot make environments: install its venv package" \
			"(Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.5'

$(STAMP): $(UV) pyproject.toml uv.lock
	$(UV) sync --frozen --quiet --inexact --compile-bytecode --python $(BIN)/python
	@touch $@

install: $(STAMP) ## Install everything into .venv

demo: $(STAMP) ## A sample CSV through a real Dagster daemon against the sandbox payer
	$(BIN)/claims-pipeline demo

dev: $(STAMP) ## The upload page, Dagster's UI, its daemon and a sandbox payer, until Ctrl-C: make dev API_PORT=8001
	$(BIN)/claims-pipeline dev $(if $(API_PORT),--api-port $(API_PORT)) $(if $(PORT),--port $(PORT)) \
		$(if $(SANDBOX_PORT),--sandbox-port $(SANDBOX_PORT)) $(if $(REALM_PORT),--realm-port $(REALM_PORT))

test: $(STAMP) ## The whole test suite
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

test-properties: $(STAMP) ## The properties with all their examples: five times those of make test
	TEST_EXAMPLES=all $(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m hypothesis $(ARGS)

test-postgresql: $(STAMP) ## The pipeline's and stacks' tests with Dagster and our tables on PostgreSQL
	TEST_DATABASE=postgresql TEST_EXAMPLES=all $(BIN)/python -m pytest --numprocesses 2 --dist loadfile \
		claims_pipeline_tests/orchestration claims_pipeline_tests/end_to_end \
		claims_pipeline_tests/chaos $(ARGS)

test-postgresql-quick: $(STAMP) ## What CI runs of these: not every stack, but kills, a resume, rounds of chaos
	TEST_DATABASE=postgresql TEST_EXAMPLES=all $(BIN)/python -m pytest --numprocesses 2 --dist loadfile \
		claims_pipeline_tests/orchestration claims_pipeline_tests/chaos \
		$(addprefix claims_pipeline_tests/end_to_end/,test_kills.py test_resume.py) $(ARGS)

chaos: $(STAMP) ## Kill, cancel and retry on a real stack: make chaos COUNT=20 SEED=7
	$(BIN)/python -m claims_pipeline_tests.chaos $(or $(COUNT),10) $(SEED)

screenshots: $(STAMP) ## The page's main states as pictures, light and dark: make screenshots TO=folder
	$(BIN)/python -m claims_pipeline_tests.screenshots $(TO)

bench: $(STAMP) ## Calls and speed beside peers, in one table; takes half an hour
	$(BIN)/python -m benchmarks.speed

bench-follow-up: $(STAMP) ## A quarter of following 2,000 claims, and following at size; takes ten minutes
	$(BIN)/python -m benchmarks.follow_up

bench-million: $(STAMP) ## The speed table with a million rows end to end; takes an hour more
	$(BIN)/python -m benchmarks.speed --million

bench-quick: $(STAMP) ## The speed table with less of everything, in three minutes
	$(BIN)/python -m benchmarks.speed --quick

# SANDBOX=1: the sandbox payer and the realm for development, nothing to set before.
COMPOSE := docker compose --project-directory docker -f docker/compose.yaml $(if $(CELERY),-f docker/compose.celery.yaml) $(if $(SANDBOX),--env-file docker/sandbox.env)

up: ## Everything in containers: make up SANDBOX=1 to try it, CELERY=1 for lanes on workers
	docker/make-secrets.sh docker/secrets$(if $(SANDBOX),-sandbox sandbox)
	$(COMPOSE) up --detach --build --wait

down: ## Stop the containers (make down SANDBOX=1 the sandbox's), once open calls are finished; volumes are kept
	$(COMPOSE) --profile '*' down --remove-orphans --timeout 60

compose-check: $(STAMP) ## Build the image, bring all services up beside others, use them, remove them
	$(BIN)/python -m claims_pipeline_tests.containers.compose_check $(ARGS)

lint: $(STAMP) ## Style, types, import walls, and whether Dagster takes the definitions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/dg check defs
	$(BIN)/dg list defs >/dev/null

audit: $(STAMP) ## Ask PyPI for known vulnerabilities of the locked packages
	$(UV) export --quiet --frozen --no-emit-project --no-hashes --output-file $(VENV)/locked.txt
	$(BIN)/pip-audit --strict --no-deps --disable-pip --requirement $(VENV)/locked.txt

format: $(STAMP) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
