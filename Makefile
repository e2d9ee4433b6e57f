# The two commands for a newcomer are `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help install run demo test check lint types layers bench lookup crash forged fuzz manual lock clean

help: ## Say what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[postgres,dev]'
	@touch $@

install: $(VENV)/installed ## Make the environment in .venv

run: install ## Install and start the daemon on embedded SQLite
	@$(BIN)/gateway serve --first-steps

demo: install ## A whole story on one laptop, in under a minute
	@$(BIN)/gateway demo

test: install ## Run all tests
	$(BIN)/pytest -n 2 --dist loadscope --no-loadscope-reorder -m "not slow"

lint: install ## Style, common mistakes, and that what is imported is declared
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/deptry .

types: install ## mypy --strict
	$(BIN)/mypy

layers: install ## Imports only go down
	$(BIN)/lint-imports

check: lint types layers test ## What CI runs

bench: install ## Measure beside Postfix, as ratios of one run
	$(BIN)/python -m benchmarks

lookup: install ## Finding a ticket among a million messages, beside ten thousand
	$(BIN)/python -m benchmarks lookup

fuzz: install ## The long run of every property test: dialogues, mails, reports
	$(BIN)/pytest -m hypothesis --hypothesis-profile fuzz --timeout 3600

forged: install ## Ten thousand forged answers and as many honest ones, on each database
	$(BIN)/pytest -m hypothesis --hypothesis-profile forged --timeout 7200 tests/journeys/test_scenarios_follow_ups.py

crash: install ## The long runs: kill -9, connections cut at every byte, thousands of destinations
	$(BIN)/pytest -m slow tests/journeys tests/outbound

manual: install ## Renew the references in docs/ and the manual page
	@$(BIN)/python -m gateway.cli.manual docs/commands.md docs/settings.md docs/gateway.1

lock: ## Renew constraints.txt from the newest releases
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --upgrade '.[postgres,dev]'
	$(VENV)-lock/bin/python -m pip freeze --exclude mail-ticket-gateway > constraints.txt
	rm -r $(VENV)-lock

clean: ## Remove what was built; var/, the data, stays
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
