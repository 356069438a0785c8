#!/bin/sh
# Sets pwsync up in .venv and runs the quickstart: plan, apply, two password changes, and their arrival.
# Needs Python 3.11 or newer and a package index; no server. Run it again as often as you like.
set -eu
cd "$(dirname "$0")/.."
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .ci/runtime.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
exec .venv/bin/pwsync demo "$@"
