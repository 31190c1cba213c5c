# Every target sets up .venv first; nothing else needs to be installed by hand.
PYTHON ?= python3
VENV := .venv
BUNDLE ?= samples/bundles/coredns-loop
OUT ?= report.html
SYSTEM_PACKAGES := iproute2 iptables nftables ipset bridge-utils net-tools conntrack ipvsadm chromium

.PHONY: help report test check bench kernel clean system

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/'

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

report: $(VENV)/.ready ## analyse BUNDLE=… (default: a shipped sample) and write OUT=report.html
	$(VENV)/bin/hairpin report $(BUNDLE) -o $(OUT) --fail-on never

# The kernel and browser tests need tools of the system; as root on Debian they are installed here, elsewhere skipped.
system:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  missing=""; for p in $(SYSTEM_PACKAGES); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	  if [ -n "$$missing" ]; then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null || echo "not installed:$$missing"; fi; \
	fi

check: $(VENV)/.ready ## style and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

test: system check ## every test
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile

bench: $(VENV)/.ready ## the targets of docs/performance.md, side by side with their reference commands
	$(VENV)/bin/python -m benchmarks.run

kernel: $(VENV)/.ready system ## N=200 random cases against the real kernel, as root
	$(VENV)/bin/python -m tests.kernel.run --cases $(or $(N),200)
	$(VENV)/bin/python -m tests.kernel.scenes --scenes $(or $(SCENES),10)

clean: ## remove what the other targets made
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
