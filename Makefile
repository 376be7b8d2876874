# The names of things to do. How they are done stands in deploy/bootstrap.py, deploy/check.py and
# manage.py dev; PYTHON=python3.12 chooses an interpreter, ARGS= passes words on.

PYTHON ?=
ARGS ?=
UV ?= uv

# The first interpreter that is new enough; failing that any, which then says what is wrong.
# exec: the terminal's Ctrl-C shall reach one program, not a chain of shells.
BOOTSTRAP = @python='$(PYTHON)'; \
	[ -n "$$python" ] && chosen=--with-this-python; \
	for name in python3 python3.13 python3.12 python3.11; do \
		[ -z "$$python" ] && $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
			>/dev/null 2>&1 && python=$$name; \
	done; \
	command -v "$${python:=python3}" >/dev/null || \
		{ echo "Tenantry needs Python 3.11 or newer; $$python was not found." >&2; exit 1; }; \
	exec "$$python" deploy/bootstrap.py $$chosen

COMPILE = @$(UV) pip compile pyproject.toml --universal --generate-hashes --python-version 3.11 \
	--no-header --no-emit-index-url --no-emit-find-links --quiet $(ARGS)

.PHONY: help run test check requirements format bench docs clean

help: ## Show these lines
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Start everything for development: http://127.0.0.1:8000/ (PORT=8001 for another)
	$(BOOTSTRAP) run

test: ## Run all tests in parallel (ARGS="-k invitation" for some)
	$(BOOTSTRAP) test $(ARGS)

check: ## Format, lint, types, imports, migrations, schema, templates, settings, reference, docs
	$(BOOTSTRAP) check

format: ## Format the code, repair what the linter can, write docs/reference anew
	$(BOOTSTRAP) tools -m ruff format .
	$(BOOTSTRAP) tools -m ruff check --fix .
	$(BOOTSTRAP) tools -m djlint --quiet --reformat templates
	$(BOOTSTRAP) tools deploy/reference.py

docs: ## Serve the documentation while you write: http://127.0.0.1:8100/
	$(BOOTSTRAP) tools -m mkdocs serve --dev-addr 127.0.0.1:8100

bench: ## Measure against peers (ARGS= chooses what)
	$(BOOTSTRAP) bench $(ARGS)

requirements: ## Compile requirements/*.txt from pyproject.toml (ARGS=--upgrade for newer ones)
	$(COMPILE) -o requirements/production.txt
	$(COMPILE) --group embedded --group runserver -c requirements/production.txt -o requirements/development.txt
	$(COMPILE) --group embedded --group runserver --group test --group check \
		-c requirements/development.txt -o requirements/tools.txt
	$(COMPILE) --group embedded --group runserver --group test --group check --group bench \
		-c requirements/tools.txt -o requirements/bench.txt

clean: ## Delete what builds and checks leave (.venv and your data stay)
	@rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
