"""The four generating APIs read into the same words: choices, tool calls, finish reasons, usage."""
