# Conveniences for working on vifstats; .ci/run is what decides.
PYTHON = python3

.PHONY: dev test docs

dev:  ## a virtual environment with everything, and the hooks if pre-commit is there
	$(PYTHON) -m venv .venv
	.venv/bin/pip install -q -U pip
	.venv/bin/pip install -q -e '.[test,docs]' --group lint
	! command -v pre-commit || pre-commit install

test:
	.venv/bin/python -m pytest

docs:
	.venv/bin/python -m sphinx -W -b html docs docs/_build/html
