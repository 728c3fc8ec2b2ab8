#!/bin/sh
# Opens the pages in the browser; the runs and counties are kept beside this file.
set -eu
cd "$(dirname "$0")"
export PYTHONUTF8=1
exec .venv/bin/riskfund dashboard "$@"
