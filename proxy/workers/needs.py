"""What analyzers need asked before they can score, as a child tells it: JSON behind its record. Bounded both ways.

Here only the form is checked. What may be asked of a server at all is decided in `proxy.probes`, by a process in
which no hostile text has been read.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from analyzers.finding import Need, Probe

MAX_PROBES = 8
MAX_BYTES = 512 * 1024
"""Most further requests that one analyzer may need for one pair at once, and most bytes of all that is needed."""
ARMS = ("baseline", "candidate")


def dumps(needs: Mapping[int, Need]) -> bytes:
    """The needs of one pair by the analyzer's place; nothing where there are none.

    Raises ValueError where they are too much, or whatever a need that is none raises.
    """
    if not all(0 < len(need.probes) <= MAX_PROBES for need in needs.values()):
        raise ValueError("needs nothing or too much")
    told = [
        (place, [(probe.arm, probe.path, dict(probe.body)) for probe in need.probes])
        for place, need in needs.items()
    ]
    written = orjson.dumps(told) if told else b""
    if len(written) > MAX_BYTES:
        raise ValueError("needs too much")
    return written


def loads(told: bytes) -> dict[int, tuple[Probe, ...]]:
    """What `dumps` wrote. Raises ValueError."""
    try:
        read = orjson.loads(told) if told else ()
        found = {position: tuple(_probe(*probe) for probe in probes) for position, probes in read}
    except (TypeError, ValueError):
        raise ValueError("no needs") from None  # what was wrong may hold anybody's text
    if not all(0 < len(probes) <= MAX_PROBES for probes in found.values()):
        raise ValueError("needs nothing or too much")
    return found


def _probe(arm: object, path: object, body: object) -> Probe:
    if arm not in ARMS or type(path) is not str or type(body) is not dict:
        raise ValueError("no probe")
    return Probe(str(arm), path, body)
