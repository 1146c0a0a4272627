#!/usr/bin/env bash
# Installs the eval tools that exports are tried with: Inspect, lm-evaluation-harness (without torch) and promptfoo.
#
#   deploy/exports/install.sh [VENV]        default: .venv-exports in the repository root
#
# promptfoo needs Node.js 20 or newer with npm; where there is none it is left out, and its test is skipped.
# A second call returns at once, unless what is wanted has changed.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
wanted="$root/deploy/exports/requirements.txt"
venv="${1:-$root/.venv-exports}"
promptfoo=promptfoo@0.121.20 # the last that runs on Node.js 20

if [ -f "$venv/.installed" ] && cat "$wanted" "${BASH_SOURCE[0]}" | cmp --silent - "$venv/.installed"; then
    echo "the eval tools are installed in $venv"
    exit 0
fi
rm -rf "$venv"
"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install --quiet --requirement "$wanted"
if command -v npm >/dev/null; then
    npm install --prefix "$venv/node" --no-audit --no-fund --loglevel error "$promptfoo"
else
    echo "there is no npm: promptfoo is left out" >&2
fi
cat "$wanted" "${BASH_SOURCE[0]}" >"$venv/.installed"
echo "the eval tools are installed in $venv"
