# Everything runs in a virtual environment of its own, made from requirements.lock at the first use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help install demo sandbox test lint bench mutants chaos lock clean

help:
	@echo "make demo      play a whole activation between real programs on this machine"
	@echo "make sandbox   the same servers and the bot, for a person in a browser"
	@echo "make test      every test; what a test lacks on this machine is skipped with its reason"
	@echo "make lint      ruff, strict types, import rules"
	@echo "make bench     speed, as ratios to other tools in the same run; BENCH='--only scale' for a part"
	@echo "make mutants   a thousand damaged billing files through the chain; MUTANTS='--seed S --count N' as you like"
	@echo "make chaos     kills the bot 200 times in the middle of activations; KILLS=50 SEED=7 POSTGRES=1 BOTH_WAYS=1 as you like"
	@echo "make install   the virtual environment alone"

install: $(INSTALLED)

$(INSTALLED): requirements.lock pyproject.toml
	@echo "==> 1/3 a virtual environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)
	@echo "==> 2/3 the libraries of requirements.lock, checked by their hashes"
	@$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
	@echo "==> 3/3 onboarding-bot itself"
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q bot pipeline checklists
	@touch $(INSTALLED)

demo: install
	@$(BIN)/onboarding-bot demo

sandbox: install
	@$(BIN)/onboarding-bot sandbox

test: install
	@$(BIN)/pytest -n 3 --dist loadfile

lint: install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: install
	@PYTHONPATH=tests/servers $(BIN)/python -m tests.bench $(BENCH)

mutants: install
	@PYTHONPATH=tests/mdb $(BIN)/python -m tests.campaign.mutants $(MUTANTS)

chaos: install
	@PYTHONPATH=tests/e2e:tests/servers $(BIN)/python -m tests.chaos \
		$(if $(SEED),--seed $(SEED)) $(if $(KILLS),--kills $(KILLS)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
		$(if $(POSTGRES),--postgres) $(if $(BOTH_WAYS),--both-ways)

# After a change of pyproject.toml. No host is named in the lock.
lock: install
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --extra dev pyproject.toml -o requirements.lock

clean:
	@rm -rf $(VENV) var build *.egg-info
