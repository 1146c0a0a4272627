"""The pool of a configuration, for commands: its sections `cases`, `store` and `session`, whatever else it says."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from cases.subject import Subjects
from proxy import config_yaml
from proxy.cases.doors import bounds_of
from proxy.cases.sqlite_pool import SqlitePool
from proxy.config import Session, Store
from proxy.config_cases import Cases
from proxy.config_file import ConfigError, read

S = TypeVar("S", bound=BaseModel)


class OpeningError(Exception):
    """There is no pool to open, or no salt to be had; the text says what would be right."""


class Opening:
    """Where the pool is. `pool` is its file where the command names it, instead of the configuration's.

    Raises OpeningError.
    """

    def __init__(self, config: Path, pool: Path | None) -> None:
        self._config = config
        self._tree = _tree(config) if pool is None or config.exists() else {}
        self.cases = _section(config, self._tree, "cases", Cases)
        path = pool or (Path(self.cases.path) if self.cases.path else None)
        if path is None:
            raise OpeningError(f"{config}: keeps no cases; name a file in cases.path, or the pool with --pool")
        self.path = path

    def pool(self, *, make: bool = False) -> SqlitePool:
        """The pool, made where there is none if `make`. Close it. Raises PoolError, OpeningError."""
        if not make and not self.path.exists():
            raise OpeningError(f"{self.path}: no such file; cases come there with the first traffic, or an import")
        return SqlitePool(self.path, bounds_of(self.cases))

    def subject(self, identity: bytes) -> str:
        """The hash of a client's identity, as its cases carry it. Raises OpeningError."""
        session = _section(self._config, self._tree, "session", Session)
        store = _section(self._config, self._tree, "store", Store)
        if session.salt_env is not None:
            if not (salt := os.environ.get(session.salt_env)):
                raise OpeningError(
                    f"the environment variable {session.salt_env}, which session.salt_env names, is not set"
                )
            return Subjects(salt.encode()).of(identity)
        if store.path is None:
            raise OpeningError(
                f"{self._config}: has neither session.salt_env nor store.path, so the salt is not known"
            )
        return Subjects(_stored_salt(Path(store.path))).of(identity)


def _tree(config: Path) -> Mapping[str, Any]:
    try:
        tree, _ = config_yaml.read(read(config))
    except (ConfigError, config_yaml.UnreadableError) as error:
        raise OpeningError(f"{config}: cannot be read; name the pool with --pool\n{error}") from None
    return tree if isinstance(tree, Mapping) else {}


def _section(config: Path, tree: Mapping[str, Any], name: str, model: type[S]) -> S:
    try:
        return model.model_validate(tree.get(name, {}), strict=False)
    except ValidationError as error:
        raise OpeningError(f"{config}: the section {name} cannot be read: {error}") from None


def _stored_salt(path: Path) -> bytes:
    """The salt that control made, read beside a control that runs."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            (salt,) = db.execute("SELECT value FROM state WHERE name = 'salt'").fetchone()
    except (sqlite3.Error, TypeError) as error:
        raise OpeningError(f"{path}: holds no salt: {error}") from error
    return bytes(salt)
