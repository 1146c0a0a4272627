"""What a configuration allows and should not stay. Nothing here keeps anything from starting."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from analyzers import registry
from proxy import tls
from proxy.config import Config
from verdict.guardrails import guardrails_of

SHORT = 16
"""Characters below which a token may be guessed: nothing else keeps it from being."""


def warnings(config: Config) -> Iterator[str]:
    """Each in one sentence, with its path and what would be right."""
    yield from tls.warnings(config)
    yield from _tokens(config, os.environ)
    if not config.guardrails:
        yield "guardrails: holds none, so nothing rolls back by itself; leave it out for the defaults"
    if config.clients.identity is None and config.clients.sessions:
        yield (
            "clients.identity: is left out, so that one client that knows the baseline's answers can roll a "
            "candidate back; say what tells clients apart, or that nothing shall by clients.sessions: 0"
        )
    fed = guardrails_of(name for each in registry.load(config.analysis.enabled) for name in each.variables)
    unfed = [name for name, about in config.guardrails.items() if (about.of or name) not in fed]
    if unfed:  # of the defaults: one that is listed is an error
        yield (
            f"guardrails: no enabled analyzer feeds {', '.join(unfed)}, so that the candidate never passes; enable "
            f"more in analysis.enabled, or list the guardrails that are wanted"
        )


def _tokens(config: Config, environ: Mapping[str, str]) -> Iterator[str]:
    for role in ("viewer", "operator"):
        name = getattr(config.admin, f"{role}_token_env")
        if name is not None and len(environ.get(name, "")) < SHORT:
            yield (
                f"admin.{role}_token_env: {name} holds fewer than {SHORT} characters, which can be guessed; use "
                "`openssl rand -hex 24`"
            )
