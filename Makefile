# `make run` and `make test` do all their own set-up; only Python 3.11 or later and a package registry are needed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LLAMA := .venv-llama
NODE := tests/node
PEERS := rq saq streaq taskiq profiler

INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --system-certs \
	--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

.PHONY: run test check bench fuzz chaos dynos analysis speech engines llama openapi docs wheel lock clean help

help:  ## Say what there is to make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

run: $(VENV)/run.stamp $(if $(filter true 1,$(AUDIO)),$(VENV)/audio.stamp)  ## Run the whole service: Redis, embedding model, web and workers
	@$(BIN)/nlp2filters up

test: $(VENV)/dev.stamp  ## Run every test
	@$(BIN)/python tools/system_packages.py
	@$(BIN)/python tools/recordings.py
	-@! command -v npm >/dev/null || $(MAKE) --no-print-directory $(NODE)/node_modules/.package-lock.json
	-@$(BIN)/python -c 'from nlp2filters.embedding.weights import MINILM; MINILM.locate(progress=True)'  # once, before many want it at once
	$(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder  # keeps two cores busy: some tests mostly wait

check: $(VENV)/dev.stamp  ## Lint, formatting and types
	@grep -rInE '^(<{7}|>{7}) ' --exclude-dir=.git --exclude-dir=$(VENV) .; test $$? = 1  # marks that a merge left behind
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/prose.py
	$(BIN)/mypy

bench: $(VENV)/dev.stamp  ## Measure speed beside that of peers, and write docs/performance.md (under an hour)
	$(BIN)/python -m bench

fuzz: $(VENV)/dev.stamp  ## Send the API what nobody should (some minutes)
	FUZZ_EXAMPLES=1000 FUZZ_BODIES=20000 $(BIN)/pytest tests/api/test_fuzz.py --timeout 3600

chaos: $(VENV)/dev.stamp  ## Kill things and see what survives (about 45 minutes)
	$(BIN)/python -m chaos

dynos: $(VENV)/dev.stamp  ## Restart two of each process on the smallest Redis, with Heroku's limits in real seconds (about 6 minutes)
	DYNOS=whole $(BIN)/pytest tests/test_dynos.py --capture=no

analysis: $(VENV)/dev.stamp  ## Analyse large packages of others, and kill workers meanwhile (20 minutes; SOURCES="django==5.2.4" adds some)
	@$(BIN)/python tools/sources.py
	$(BIN)/python -m chaos --analysis

speech: $(VENV)/dev.stamp  ## Transcribe all recordings of people that there are, an hour with 20 kills, and ten questions (about 30 minutes)
	@$(BIN)/python tools/recordings.py
	SPEECH_RECORDINGS=1000 SPEECH_MINUTES=60 SPEECH_KILLS=20 SPEECH_QUESTIONS=10 \
		$(BIN)/pytest tests/audio tests/test_transcriptions.py --capture=no

engines: $(VENV)/dev.stamp  ## Ask real engines for the records of 2,000 filters each (as root on Debian it installs them; about 20 minutes)
	@tools/install_engines
	$(INSTALL) --require-hashes -r requirements-engines.txt
	$(BIN)/pytest tests/core/dialects/engines/servers.py tests/core/dialects/engines/grammars.py --timeout 3600

llama: $(VENV)/dev.stamp $(LLAMA)/stamp  ## Try the service with llama.cpp and LiteLLM (LLAMA_GGUF=model.gguf)
	$(BIN)/python -m tools.llama.trial $(LLAMA)

wheel: $(VENV)/dev.stamp  ## Build the wheel, and try it in clean environments (PYTHONS="3.11 3.12 3.13")
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/try_wheel.py dist/nlp2filters-*.whl $(or $(PYTHONS),3.11 3.12 3.13)

docs: $(VENV)/docs.stamp  ## Build the documentation into site/, and check its links (DOCS="serve -o" shows it while you write)
	$(BIN)/zensical $(or $(DOCS),build --clean --strict)
	$(BIN)/python -m tools.docs_site site

openapi: $(VENV)/dev.stamp  ## Lint the OpenAPI document by Spectral (needs Node.js)
	$(BIN)/python -m tools.openapi_document build/openapi.json
	npx --yes @stoplight/spectral-cli@6.16.3 lint --fail-severity warn build/openapi.json

lock: $(VENV)/dev.stamp  ## Pin and hash in requirements*.txt what pyproject.toml asks for (UPGRADE=1: the newest)
	$(LOCK) pyproject.toml --extra server --extra data --extra analysis --extra otel --output-file requirements.txt
	$(LOCK) pyproject.toml --extra server --extra data --extra analysis --extra otel --extra audio --constraints requirements.txt --output-file requirements-audio.txt
	$(LOCK) pyproject.toml --extra server --extra data --extra analysis --extra otel --extra audio --group dev --constraints requirements-audio.txt --output-file requirements-dev.txt
	$(LOCK) --group engines --constraints requirements-dev.txt --output-file requirements-engines.txt
	$(LOCK) --group docs --output-file requirements-docs.txt
	$(LOCK) --group run --no-deps --output-file requirements-run.txt
	$(LOCK) --group llama --output-file requirements-llama.txt
	$(foreach peer,$(PEERS),$(LOCK) --group peers-$(peer) --output-file requirements-peers-$(peer).txt &&) true

clean:  ## Remove what was made here (not the jobs, not the model)
	rm -rf $(VENV) .venv-peers $(LLAMA) build dist site .cache *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("NLP2Filters needs Python 3.11 or later; set PYTHON=python3.12, say." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements.txt requirements-run.txt pyproject.toml | $(VENV)/bin/python
	$(INSTALL) --require-hashes --no-deps --only-binary :all: -r requirements-run.txt
	$(INSTALL) --require-hashes -r requirements.txt
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/audio.stamp: requirements-audio.txt $(VENV)/run.stamp
	$(INSTALL) --require-hashes -r requirements-audio.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/run.stamp
	$(INSTALL) --require-hashes -r requirements-dev.txt
	@touch $@

$(VENV)/docs.stamp: requirements-docs.txt | $(VENV)/bin/python
	$(INSTALL) --require-hashes -r requirements-docs.txt
	@touch $@

$(NODE)/node_modules/.package-lock.json: $(NODE)/package-lock.json
	npm ci --silent --ignore-scripts --no-audit --no-fund --prefix $(NODE)
	@touch $@

$(LLAMA)/stamp: requirements-llama.txt | $(VENV)/bin/python
	$(PYTHON) -m venv $(LLAMA)
	$(LLAMA)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-llama.txt
	@touch $@
