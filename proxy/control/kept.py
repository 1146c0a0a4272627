"""What a deployment goes on with when it starts: its store, and control where the store says that it was.

A file that cannot be read, or holds what nobody can make sense of, is left as it is: written over, it would have
forgotten by the next start which revisions were rolled back. A store in memory stands in for it, and nothing moves
up.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import orjson

from proxy.control.control import Control
from proxy.control.sqlite_store import InUseError, SqliteStore
from proxy.control.store import Batch, Store, StoreError


class Kept(NamedTuple):
    """What was found in a store."""

    store: Store
    control: Control
    recalled: Mapping[str, bytes]
    """Every value that the store holds by its name."""
    salt: str
    last: int
    """The number of the last entry of the audit log."""
    broken: str | None = None
    """What is wrong with the file, where a store in memory stands in for it."""


def take_up(path: str | None, make: Callable[[str], Control]) -> Kept:
    """Read the store, in memory where `path` is None, into the control that `make` makes with the store's own salt.

    Raises InUseError where another deployment uses the file.
    """
    if path is None:
        return _read(SqliteStore(None), make)
    store: SqliteStore | None = None
    try:
        store = SqliteStore(Path(path))
        return _read(store, make)
    except InUseError:
        raise
    except Exception as error:  # of any kind: so it is with what nobody has written like this
        if store is not None:
            with contextlib.suppress(StoreError):
                store.close()
        why = str(error) if isinstance(error, StoreError) else repr(error)
    broken = f"{path} cannot be used: {why}; it is left as it is: mend it, or move it away and start again"
    return _read(SqliteStore(None), make)._replace(broken=broken)


def _read(store: SqliteStore, make: Callable[[str], Control]) -> Kept:
    salt = salt_in(store)
    control = make(salt)
    recalled = restored(control, store)
    last = max((logged.id for logged in store.latest(limit=1)), default=0)
    return Kept(store, control, recalled, salt, last)


def salt_in(store: Store) -> str:
    """The salt of the session hash, made once: with another, a session would count again. Raises StoreError."""
    if found := store.state().get("salt"):
        return found.decode()
    salt = secrets.token_hex(32)
    store.commit(Batch(state={"salt": salt.encode()}))
    return salt


def restored(control: Control, store: Store) -> dict[str, bytes]:
    """Put control where the store says that it was; every value that the store holds.

    Raises StoreError, or whatever comes of values that nobody has written like this; control is of no use then.
    """
    state = store.state()
    if "rollout" in state:
        control.restore(orjson.loads(state["rollout"]), orjson.loads(state["evidence"]), store.seen())
    return state
