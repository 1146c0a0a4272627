"""The key by which an arm knows the gateway. The operator names an environment variable, never the key."""

from __future__ import annotations

import os

from proxy.config import Arm


def authorization(arm: Arm) -> dict[str, str]:
    """The header field with the arm's own API key (RFC 6750 section 2.1); nothing where it has none."""
    key = os.environ[arm.api_key_env] if arm.api_key_env else ""
    return {"Authorization": f"Bearer {key}"} if key else {}
