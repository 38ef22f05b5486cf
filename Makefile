# Everything a newcomer needs: `make demo`, `make test`, `make lab`; `make prove` for what takes longer.  Python 3.11 or later and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# What takes minutes by itself: real browsers, every demo, laws of queues, whole herds and stories, the ledger, hostile submissions.
LONG := tests/browser tests/demo/test_every_demo.py tests/demo/test_stage_server.py tests/claims tests/hostile tests/scenarios tests/test_herd.py tests/theory

.PHONY: demo test prove lab bench notebooks pictures format clean

demo: $(READY)
	@mkdir -p out
	@$(BIN)/sim run thundering-herd --seeds 5 --workers 2 --chart out/thundering-herd.png

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -n 2 --dist loadfile $(LONG:%=--ignore=%)
	$(BIN)/pytest -q -n 2 --dist loadfile --nbval notebooks/ exercises/

prove: $(READY)
	$(BIN)/pytest -q -n 2 --dist loadfile $(LONG)

lab: $(READY)
	$(BIN)/sim lab

bench: $(READY)
	$(BIN)/python -m benchmarks

notebooks: $(READY)
	$(BIN)/python -m sim.notebooks

pictures: $(READY)
	$(BIN)/python .github/pictures.py

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) out build

$(READY): pyproject.toml .constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; say make PYTHON=python3.12"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned packages into $(VENV) (once, about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c .constraints.txt -e '.[test]'
	@touch $(READY)
