"""A tiny real model in fp16 and int4, an engine that serves it, and a traffic source."""
