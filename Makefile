# The two commands: `make run` brings Postern up with a demo site, `make test` sets up and tests everything.
# Needed beforehand: Python 3.11 or newer with venv, make, network. `make help` lists the rest.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
UV := .make/uv/bin/uv
LOCK := $(UV) pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
        --no-annotate --python-version 3.11

.PHONY: help setup setup-dev assets run test thorough fuzz hostile lint accuracy soak simulate bench lock licences clean uninstall
.DEFAULT_GOAL := help

help:  ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup:  ## install everything that running needs, from hashed locks
	@$(PYTHON) scripts/setup.py --venv $(VENV)

setup-dev:  ## the same, with what tests and checks need
	@$(PYTHON) scripts/setup.py --venv $(VENV) --dev

assets: setup  ## build the console's assets anew
	@$(BIN)/python scripts/build_assets.py

run: setup  ## bring up the hub, an agent and a demo site on this machine
	@$(BIN)/postern up --demo

lint: setup-dev  ## ruff, mypy and the import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: lint  ## lint, then every test on up to four cores; what this machine lacks is skipped with a reason
	@$(BIN)/pytest -n auto --maxprocesses 5 --dist loadfile -m "not slow"

thorough: setup-dev  ## the slow tests, which `make test` leaves out
	@$(BIN)/pytest -n auto --maxprocesses 5 --dist loadfile -m slow

fuzz: setup-dev  ## changed pictures, videos and QR codes, 10 minutes each; FUZZ_SECONDS sets how long
	@$(BIN)/python -m tests.attacks.fuzz --seconds $${FUZZ_SECONDS:-600}

hostile: setup-dev  ## other people's attack tools against a running Postern: schemathesis, testssl.sh
	@$(BIN)/pytest -m slow tests/attacks/test_api_schema.py tests/attacks/test_tls.py

accuracy: setup-dev  ## read every test picture, of which `make test` reads a sample, and print how many are right
	@POSTERN_ALL_PICTURES=yes $(BIN)/pytest tests/contract/test_recognition_plates.py tests/contract/test_recognition_faces.py

soak: setup-dev  ## kill agent, hub and databases 300 times under load; POSTERN_CRASH_ROUNDS sets how often
	@POSTERN_CRASH_ROUNDS=$${POSTERN_CRASH_ROUNDS:-300} $(BIN)/pytest tests/attacks/test_crash_kill.py

simulate: setup-dev  ## play a garage's month twice, the second time killing the hub 200 times; and a month of people at work
	@$(BIN)/postern simulate garage --seed 1 --days 30 --bays 200 --kills 200
	@$(BIN)/postern simulate site --seed 1 --days 30

bench: setup-dev  ## measure recognition, the archive and the console on this machine
	@$(BIN)/python -m benchmarks

$(UV):
	@$(PYTHON) -m venv .make/uv
	@.make/uv/bin/pip install --quiet --disable-pip-version-check uv

lock: $(UV)  ## resolve the dependencies anew, into requirements/
	@$(LOCK) requirements/build.in -o requirements/build.txt
	@$(LOCK) requirements/node.in -o requirements/node.txt
	@$(LOCK) requirements/localstripe.in -o requirements/localstripe.txt
	@$(LOCK) pyproject.toml -c requirements/build.txt -o requirements/runtime.txt
	@$(LOCK) pyproject.toml --group dev -c requirements/build.txt -c requirements/runtime.txt -o requirements/dev.txt

licences: setup-dev  ## write THIRD_PARTY_LICENCES.md from what is installed
	@$(BIN)/python scripts/third_party_licences.py

clean:  ## remove what building and testing left behind; keeps the installation and the data
	rm -rf build dist test-results .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

uninstall: clean  ## remove the installation; DATA=yes removes the data folder as well
	@$(PYTHON) scripts/uninstall.py --venv $(VENV) $(if $(filter yes,$(DATA)),--data)
