# From a bare checkout with Python 3.11+ and make: `make demo` shows it working, `make test` checks all of it.
# PYTHON picks the interpreter, ARGS goes to the command (make demo ARGS="--candidate steady").

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
INSTALLED := .venv/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

.DEFAULT_GOAL := help
.PHONY: help install demo compile bench bench-isolation bench-streams bench-slow-clients bench-divergence bench-folding soak redaction-report analyzers-report console-pictures train verdict-report scale-report test test-compiled test-cluster fuzz lint format check test-vllm test-exports install-vllm lock clean boards board-pictures test-boards bench-scrape

help: ## What there is to make.
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "  make %-18s %s\n", $$1, $$2 }'

install: $(INSTALLED) ## Put Slipgauge and its locked packages into .venv.

# Output goes to standard error, so that `make demo ARGS=--json` prints the object alone.
$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Slipgauge needs Python 3.11 or newer; set PYTHON=")'
	@echo "installing into .venv (once)" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install --no-compile --no-deps --requirement requirements.lock >&2
	@$(PIP) install --no-deps --no-build-isolation --editable . >&2
	@touch $@

demo: install ## Serve a real fp16/int4 pair behind the gateway, send traffic, print what slipped.
	@$(BIN)/slipgauge demo $(ARGS) || case $$? in 3|4) ;; *) exit $$? ;; esac # a verdict is a result, no failure

compile: install ## Compile what every request passes through (optional, needs a C compiler): about half its CPU time.
	$(BIN)/python -m proxy.compile

bench: compile ## Slipgauge beside nginx's mirror and others: CPU, added latency, memory; ten minutes alone on the machine.
	$(BIN)/python -m benchmarks $(ARGS)

bench-isolation: compile ## What a client feels of a candidate that hangs, drips, resets, talks garbage or never ends.
	$(BIN)/python -m benchmarks.isolation $(ARGS)

bench-streams: compile ## How late an event is, and what a stream holds in memory, with 200 streams open.
	$(BIN)/python -m benchmarks.streams $(ARGS)

bench-slow-clients: compile ## What others feel of 500 clients that hardly read, and of a mirror that does not.
	$(BIN)/python -m benchmarks.slow_clients $(ARGS)

bench-divergence: install ## Token-level divergence of the testbed's models, and what sharing seeds does (ARGS="--engine vllm").
	$(BIN)/python -m benchmarks.divergence $(ARGS)

bench-folding: install ## What control can take: findings a second on one core.
	$(BIN)/python -m benchmarks.folding

bench-scrape: install ## How many series there are, and how long a scrape takes.
	$(BIN)/python -m benchmarks.scrape

soak: compile ## Half an hour of mixed faults: nothing grows, nothing is lost, no client notices.
	$(BIN)/python -m benchmarks.soak $(ARGS)

analyzers-report: install ## Measure the analyzers on labelled data and write docs/analyzers.md (ARGS=--check, ARGS=refusal).
	$(BIN)/python -m analyzers_report $(ARGS)

redaction-report: install ## Measure what redaction finds and misses and write docs/redaction.md (ARGS=--check).
	$(BIN)/python -m cases_report $(ARGS)

verdict-report: install ## Simulate what the verdict does and write docs/verdict.md (ARGS=--check, ARGS=power).
	$(BIN)/python -m verdict_report $(ARGS)

boards: install ## Write the Grafana boards and the burn-rate rules from grafana/ (ARGS=--check compares with the files).
	$(BIN)/python -m grafana.generate $(ARGS)

board-pictures: install ## Draw every board from live data into docs/boards/ (ARGS="--engine vllm" after make install-vllm).
	$(BIN)/python -m grafana.draw $(ARGS)

scale-report: install ## Simulate a fleet at 100,000 requests a second and write docs/scale.md (ARGS=--check).
	$(BIN)/python -m scale_report $(ARGS)

console-pictures: install ## Take the pictures of docs/console.md from a live demo, in headless Chromium.
	$(BIN)/python -m tests.browser.pictures $(ARGS)

train: install ## Fit the refusal classifiers to the labelled data (ARGS=--check compares with the files).
	$(BIN)/python -m training $(ARGS)

test: export SLIPGAUGE_PURE = 1
test: lint ## Lint, types and every test that needs no vLLM, on the sources as they are.
	$(BIN)/python -m pytest $(ARGS)

test-compiled: compile ## The tests of what is compiled, on the compiled modules.
	$(BIN)/python -m pytest tests/gateway tests/arms tests/verdict tests/control tests/workers $(ARGS)

test-cluster: export SLIPGAUGE_PURE = 1
test-cluster: install ## Gateways, controls and NATS servers killed under load; ten minutes alone on the machine.
	$(BIN)/python -m pytest tests/cluster -s $(ARGS)

fuzz: export SLIPGAUGE_PURE = 1
fuzz: install ## Fuzz the pure parts, guided by coverage (ARGS=-max_total_time=600), where atheris has a wheel.
	$(PIP) install atheris==3.0.0 >&2
	$(BIN)/python -m tests.fuzz.fuzzer $(ARGS)

lint: install ## Ruff, its formatter and mypy.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install ## Let ruff repair and format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

install-vllm: install ## vLLM for CPU, in a venv of its own.
	deploy/vllm/install-cpu.sh

test-vllm: install-vllm ## End to end against two real vLLM servers.
	$(BIN)/python -m pytest tests/vllm $(ARGS)

test-exports: install ## Run exported cases in Inspect, lm-evaluation-harness and promptfoo, which it installs into a venv of their own.
	deploy/exports/install.sh
	$(BIN)/python -m pytest tests/exports -s $(ARGS)

test-boards: install-vllm ## Every query of every board on a real Prometheus, before two real vLLM servers.
	$(BIN)/python -m pytest tests/vllm/test_boards.py $(ARGS)

lock: install ## Resolve requirements.lock anew.
	$(BIN)/uv pip compile pyproject.toml --quiet --universal --all-extras --python-version 3.11 \
		--no-emit-index-url --no-annotate --no-header --output-file requirements.lock

clean: ## Remove what install and the tools made.
	rm -rf .venv proxy/__compiled__ .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
