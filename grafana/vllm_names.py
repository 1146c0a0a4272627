"""What vLLM exports, as far as the boards ask for it, by its names at 0.32 (docs.vllm.ai, usage/metrics).

vLLM hides a deprecated metric one minor version after it says so, and takes it away another one later; `make
test-boards` asks real servers for every one of these.
"""

from __future__ import annotations

NAMES = frozenset(
    {
        "vllm:e2e_request_latency_seconds",
        "vllm:generation_tokens_total",
        "vllm:inter_token_latency_seconds",
        "vllm:kv_cache_usage_perc",
        "vllm:num_preemptions_total",
        "vllm:num_requests_running",
        "vllm:num_requests_waiting",
        "vllm:prefix_cache_hits_total",
        "vllm:prefix_cache_queries_total",
        "vllm:prompt_tokens_total",
        "vllm:request_decode_time_seconds",
        "vllm:request_generation_tokens",
        "vllm:request_prefill_time_seconds",
        "vllm:request_prompt_tokens",
        "vllm:request_queue_time_seconds",
        "vllm:request_success_total",
        "vllm:time_to_first_token_seconds",
    }
)
