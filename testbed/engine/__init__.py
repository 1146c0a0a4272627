"""A small OpenAI-compatible inference server in numpy, shaped as vLLM shapes its own."""

__version__ = "0.1.0"
