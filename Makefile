# visavis: the words a developer, an operator and CI use.
PORT   ?= 8765
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Not what Python and numba keep beside them.
SOURCES := $(shell find server engines models client -type f -not -path '*/__pycache__/*' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help setup run test test-all check fuzz bench clean lock npm sbom advisories wheel

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(STAMP) ## create the environment and install visavis

run: $(STAMP) ## install if needed, start the server, print its address: make run [PORT=8080]
	@$(BIN)/visavis serve --port $(PORT)

# What wants a whole machine to itself: floods, real browsers, real programs, short deadlines. Among
# the attacks and in deploy, these files do not: they parse, start processes and wait for states.
BESIDE := $(addprefix tests/attack/test_,$(addsuffix .py,audio_files avatar_files consents engines \
	home http media_programs pictures reports sandbox told_tokens)) \
	$(addprefix tests/deploy/test_,$(addsuffix .py,agreement monitoring supply))
ALONE := $(filter-out $(BESIDE),$(sort $(wildcard tests/attack/test_*.py tests/deploy/test_*.py))) \
	tests/browser tests/camera/test_presenting.py tests/server/test_keepsakes.py \
	tests/server/test_renderer_live.py
# Media runs in real time beside other tests: what a busy machine made late is looked at once more.
# Whatever was is listed at the end, and a fault fails all the same.
AGAIN := --reruns 2 --reruns-delay 2 -r R

test: $(VENV)/.tools $(STAMP) npm ## install what the tests need, Chromium included, and run them
	@sh deploy/need.sh chromium chromium
	@sh deploy/need.sh pulseaudio pulseaudio
	@sh deploy/need.sh redis-server redis-server
	@sh deploy/need.sh "test -f /usr/share/apertium/modes/eng-spa.mode" apertium-eng-spa
	$(BIN)/python -m pytest -q $(AGAIN) -n 4 --dist loadfile $(SELECT) $(addprefix --ignore=,$(ALONE))
	$(BIN)/python -m pytest -q $(AGAIN) $(SELECT) $(ALONE)

test-all: SELECT := -m "slow or not slow"
test-all: relays test ## the same with the slow tests, which repeat claims at full length

.PHONY: relays
relays:
	@sh deploy/need.sh turnserver coturn
	@sh deploy/need.sh ip iproute2

check: $(VENV)/.tools $(STAMP) ## check format, lint, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy -p visavis.server -p visavis.engines -p visavis.models -p visavis.doors -p visavis.remote
	$(BIN)/mypy models/tools
	$(BIN)/mypy -p support -p fuzz
	$(BIN)/lint-imports

fuzz: $(VENV)/.tools $(STAMP) ## look a minute for inputs that break something: make fuzz [FUZZ="--seconds 600 sdp"]
	PYTHONPATH=tests $(BIN)/python -m fuzz $(FUZZ)

bench: $(VENV)/.tools $(STAMP) ## run every benchmark; JSON in out/bench
	@sh deploy/need.sh chromium chromium
	$(BIN)/python -m bench

# uv writes pip's own format: versions and hashes, no addresses.
LOCK := $(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header --python-version 3.11
lock: $(VENV)/.tools ## resolve the dependencies anew (pins in pyproject.toml)
	$(LOCK) --extra llm -o deploy/requirements.lock pyproject.toml
	$(LOCK) --extra llm --extra mcp --extra languages --extra dev -o deploy/requirements-dev.lock pyproject.toml
	$(LOCK) --extra llm --extra rtx -c deploy/requirements.lock -o deploy/requirements-rtx.lock pyproject.toml

# Exact versions with hashes, see tests/npm/README.md; none of their scripts is run.
SETS := $(patsubst tests/npm/%/package-lock.json,$(VENV)/npm/%/.installed,$(wildcard tests/npm/*/package-lock.json))
npm: $(SETS) ## install the packages of others that are tested in a browser

$(VENV)/npm/%/.installed: tests/npm/%/package-lock.json tests/npm/%/package.json
	@sh deploy/need.sh npm npm
	@mkdir -p $(@D) && cp $^ $(@D)
	cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --omit-lockfile-registry-resolved
	@touch $@

wheel: $(VENV)/.tools ## build the wheel, the same from the same commit: dist/
	@sh deploy/wheel.sh dist $(CURDIR)/$(BIN)/python

sbom: $(VENV)/.tools $(STAMP) ## list what visavis is made of, as CycloneDX: out/sbom.cdx.json
	@$(BIN)/python deploy/sbom.py

advisories: $(VENV)/.tools ## look for known vulnerabilities of the locked packages (asks the network)
	@$(BIN)/python deploy/advisories.py

clean: ## remove the environment and everything that was built
	rm -rf $(VENV) build dist out *.egg-info

$(BIN)/python:
	@sh deploy/need.sh "$(PYTHON) -c 'import venv, ensurepip'" python3-venv
	$(PYTHON) -m venv $(VENV)

# The packages first, then visavis itself; again after any file was added (strict editable mode).
$(STAMP): $(BIN)/python deploy/requirements.lock pyproject.toml $(SOURCES)
	@if ! cmp -s deploy/requirements.lock $(VENV)/.lock; then \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r deploy/requirements.lock && \
	  cp deploy/requirements.lock $(VENV)/.lock; fi
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e . --config-settings editable_mode=strict
	$(BIN)/visavis warm
	@touch $@

$(VENV)/.tools: $(BIN)/python deploy/requirements-dev.lock deploy/requirements-torch.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r deploy/requirements-dev.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check -r deploy/requirements-torch.txt
	@cp deploy/requirements.lock $(VENV)/.lock; touch $@
