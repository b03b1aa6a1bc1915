# Everything in one place: `make app` and `make test` create .venv, install what they need and run.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# On Linux, PyPI's torch brings gigabytes for a GPU. Where there is none, the CPU build is tried first;
# `make app CPU_TORCH=` skips that.
CPU_TORCH ?= $(if $(shell command -v nvidia-smi),,https://download.pytorch.org/whl/cpu)

.PHONY: app test test-all lint clean

app: $(VENV)/app.done
	$(BIN)/toolkit app

test: $(VENV)/dev.done
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

test-all: $(VENV)/dev.done
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m ""

lint: $(VENV)/dev.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) data/cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/torch.done: constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(if $(CPU_TORCH),-$(BIN)/pip install -c constraints.txt --no-deps --retries 0 --timeout 15 --index-url $(CPU_TORCH) torch)
	touch $@

$(VENV)/app.done: pyproject.toml constraints.txt $(VENV)/torch.done
	$(BIN)/pip install -c constraints.txt -e '.[app,audio,score,corpora,grammars,rhymes,fast,plots]'
	touch $@

$(VENV)/dev.done: pyproject.toml constraints.txt $(VENV)/torch.done
	$(BIN)/pip install -c constraints.txt -e '.[all,dev]'
	touch $@
