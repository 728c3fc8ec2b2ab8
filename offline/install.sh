#!/bin/sh
# Installs from the wheels beside this file; no network is asked for anything.
set -eu
cd "$(dirname "$0")"
python="${PYTHON:-python@PYTHON@}"
if ! "$python" -c '' 2>/dev/null; then
    echo "没有找到 $python / $python was not found" >&2
    exit 1
fi
[ -d .venv ] || "$python" -m venv .venv
.venv/bin/python -m pip install --disable-pip-version-check --no-index --find-links wheels/linux riskfund
.venv/bin/riskfund doctor
echo "安装完成，运行 ./start.sh 打开 / Installed; ./start.sh opens the pages"
