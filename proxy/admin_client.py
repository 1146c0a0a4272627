"""The admin port from the command line: where it is, which token opens it, and what it answers."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from pydantic import ValidationError

from proxy import config_yaml
from proxy.address import parse_address
from proxy.config import Admin
from proxy.config_file import ConfigError, read

TIMEOUT = 10.0
TOKEN_ENVS = ("SLIPGAUGE_OPERATOR_TOKEN", "SLIPGAUGE_VIEWER_TOKEN")
"""Where a token is looked for when no configuration says."""


class AdminError(Exception):
    """It cannot be asked, or has refused; the text says why."""


class AdminPort:
    """The admin port at `url`. `tokens` are tried in order: the first that is set is sent."""

    def __init__(self, url: str, tokens: tuple[str, ...] = TOKEN_ENVS) -> None:
        self.url = url.rstrip("/")
        self._token = next((value for name in tokens if (value := os.environ.get(name))), None)

    @classmethod
    def of(cls, config: Path, url: str | None) -> AdminPort:
        """The one at `url`, or else that of the configuration's `admin` section, whatever the other sections say.

        Raises AdminError.
        """
        if url is not None:
            if urlsplit(url).scheme not in ("http", "https"):
                raise AdminError(f"--admin: found {url}, should be a URL such as http://127.0.0.1:8081")
            return cls(url)
        try:
            tree, _ = config_yaml.read(read(config))
            admin = Admin.model_validate((tree or {}).get("admin", {}))
        except (ConfigError, config_yaml.UnreadableError, ValidationError, AttributeError) as error:
            raise AdminError(
                f"{config}: the admin section cannot be read; name the port with --admin\n{error}"
            ) from None
        address = parse_address(admin.listen)
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(address.host, str(address).rpartition(":")[0])
        named = tuple(name for name in (admin.operator_token_env, admin.viewer_token_env) if name)
        return cls(f"http://{host}:{address.port}", named or TOKEN_ENVS)

    def get(self, path: str) -> Any:
        """What a path answers. Raises AdminError."""
        return self._ask(urllib.request.Request(self.url + path))  # noqa: S310 - http or https, see `of`

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """What a path answers to this body. Raises AdminError."""
        headers = {"Content-Type": "application/json"}
        return self._ask(urllib.request.Request(self.url + path, orjson.dumps(body), headers))  # noqa: S310 - as above

    def _ask(self, request: urllib.request.Request) -> Any:
        if self._token is not None:
            request.add_header("Authorization", f"Bearer {self._token}")
        # No proxy of the environment: what is asked may change the stage, and carries a token.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=TIMEOUT) as response:
                told = orjson.loads(response.read())
        except urllib.error.HTTPError as error:
            raise AdminError(f"{self.url}: {_said(error)}") from None
        except (OSError, ValueError, HTTPException) as error:
            raise AdminError(f"{self.url}: cannot be asked ({error}); is slipgauge running there?") from None
        if not isinstance(told, dict) or "stage" not in told:  # as all has that is asked for here
            raise AdminError(f"{self.url}: answers, but not as Slipgauge's admin port does; name that with --admin")
        return told


def _said(error: urllib.error.HTTPError) -> str:
    try:
        return str(orjson.loads(error.read())["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"it answers {error.code}"
