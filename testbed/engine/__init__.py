"""A small OpenAI-compatible inference server in numpy, shaped as vLLM shapes its own."""
