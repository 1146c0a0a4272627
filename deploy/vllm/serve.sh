#!/usr/bin/env bash
# Serves one arm by vLLM with the settings of equal.yaml, on a GPU or a CPU.
#
#   deploy/vllm/serve.sh baseline  org/my-model           # port 8001
#   deploy/vllm/serve.sh candidate org/my-model-gptq-int4 # port 8002
#
# Further arguments go to vLLM and win over equal.yaml, such as --gpu-memory-utilization 0.45 where both share one GPU.
# VLLM is the Python that has vLLM (default: python3), EQUAL another file than equal.yaml, PORT another port. Where vLLM is
# built for a CPU (install-cpu.sh), set VLLM_CPU_KVCACHE_SPACE (GiB) and give each server cores of its own by VLLM_CPU_OMP_THREADS_BIND.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
arm="${1:?baseline or candidate}"
model="${2:?a model: a name or a folder}"
shift 2
case "$arm" in
    baseline) port=8001 ;;
    candidate) port=8002 ;;
    *) echo "$arm is neither baseline nor candidate" >&2; exit 2 ;;
esac

# By default W4A16 on every CPU: those with AMX would round activations to int8 as well.
export VLLM_CPU_INT4_W4A8="${VLLM_CPU_INT4_W4A8:-0}" VLLM_NO_USAGE_STATS="${VLLM_NO_USAGE_STATS:-1}"
# `python -m` and not `vllm serve`, which the CPU build (vllm-cpu) cannot do.
exec "${VLLM:-python3}" -m vllm.entrypoints.openai.api_server --model "$model" \
    --config "${EQUAL:-$here/equal.yaml}" --host 127.0.0.1 --port "${PORT:-$port}" "$@"
