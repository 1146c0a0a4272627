"""The file descriptors of one process: each connection takes one, and that none is left is no server's fault."""

from __future__ import annotations

import errno
import os
import resource
import socket
from collections.abc import Iterator

from proxy.config import Config

RESERVE = 384
"""For everything but clients and the servers' connections: 256 of the admin port; analyzers, the store."""
_RUN_OUT = frozenset({errno.EMFILE, errno.ENFILE})


def ran_out(error: Exception) -> bool:
    """Whether a connection could not be made since this process, or the whole system, has no descriptor left.

    A name that could not be looked up need not say why, nor do several addresses that failed for several reasons.
    """
    if not isinstance(error, OSError) or isinstance(error, TimeoutError):
        return False
    if error.errno in _RUN_OUT:
        return True
    return (error.errno is None or isinstance(error, socket.gaierror)) and none_left()


def none_left() -> bool:
    """Whether no file can be opened now."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        return error.errno in _RUN_OUT
    return False


def raise_limit() -> int:
    """Let this process, and those that it starts, open as many as the system lets them; how many that are."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a usual 1,024 is fewer than the clients allowed
    return most


def needed(config: Config) -> int:
    """What one gateway process holds where every limit of this configuration is used up."""
    primary, copies = config.baseline.connections, config.mirror.in_flight
    # The baseline has connections of their own for slow bodies, and is sent mirrors, in a canary, and repeats.
    baseline = len(config.baseline.url) * 2 * (primary + copies)
    candidate = len(config.candidate.url) * (config.candidate.connections + copies)
    return config.limits.clients + baseline + candidate + RESERVE


def warnings(config: Config, limit: int) -> Iterator[str]:
    """What is to be said where only `limit` descriptors may be open."""
    wanted = needed(config)
    if limit != resource.RLIM_INFINITY and limit < wanted:
        yield (
            f"limits.clients: {config.limits.clients} clients and the connections to servers may need {wanted} "
            f"open files, and {limit} are allowed, so that idle clients can keep others from being served; "
            f"raise the hard limit (ulimit -Hn, LimitNOFILE), or lower limits.clients"
        )
