"""The same table sent to nginx: what it does otherwise is explained here, and what is explained is otherwise."""

from __future__ import annotations

from pathlib import Path

from tests.gateway.nginx import nginx
from tests.gateway.recorder import Outcome, exchange, recording, statuses
from tests.gateway.smuggling import AFTER, ROWS
from tests.gateway.stands import Stands

_CODING = "Both refuse; nginx calls a coding that it does not know 501, not implemented, and we call it 400."
_LF = "nginx ends a line at a bare LF, as RFC 9112 section 2.2 lets it; two servers may differ there, so we refuse."
_CHUNK_LF = (
    "nginx takes a bare LF for the CRLF of a chunk, which the grammar of RFC 9112 section 7.1 does not allow."
)
_TRAILER = (
    "nginx skips trailers without reading them; we drop them, too, but refuse those that are malformed or framing."
)
_BYTES = "nginx passes on bytes that RFC 9110 section 5.5 does not allow, and the next server has to refuse them."
_STATUS = "Both refuse, by other statuses."
_UPGRADE = (
    "nginx drops Upgrade and answers; we refuse what asks for another protocol, since nothing here speaks one."
)
_EXPECT = "nginx ignores an expectation that it does not know; RFC 9110 section 10.1.1 names 417 for it."
_VERSION = "nginx takes any minor version for 1.1; we take the two that exist."
_BLANK = "nginx skips blank lines before a request, as RFC 9112 section 2.2 wants it; we start with a request."
_SPACES = "nginx takes more spaces in a request line than the one that RFC 9112 section 3 allows."
_NAMED = "nginx passes on fields that `Connection` names; RFC 9110 section 7.6.1 says that a proxy must not."
_HOST = "nginx reads past a malformed port or user in Host, which RFC 9110 section 7.2 does not allow there."
_CONTROL = "nginx knows nothing of our own fields."

EXPLAINED = {
    "length longer than the body": "Both wait for the rest; nginx then closes without a word, and we answer 408.",
    "coding gzip": _CODING,
    "coding gzip, chunked": _CODING,
    "coding chunked, gzip": _CODING,
    "coding chunked, chunked": _CODING,
    "coding identity": _CODING,
    "coding identity, chunked": _CODING,
    "coding xchunked": _CODING,
    "coding quoted": _CODING,
    "coding with parameter": _CODING,
    "coding with comma before": _CODING,
    "coding with comma behind": _CODING,
    "coding with vertical tab": _CODING,
    "coding with form feed behind": _CODING,
    "coding with blanks behind": _CODING,
    "coding empty": _CODING,
    "coding behind a bare LF": _LF,
    "chunk size with space behind": "nginx skips blanks there, which RFC 9112 section 7.1 has not.",
    "chunk size of all that fits": "nginx refuses the size; we wait for the bytes, until they are too many.",
    "chunk size ends in LF": _CHUNK_LF,
    "chunk ends in LF": _CHUNK_LF,
    "last chunk ends in LF": _CHUNK_LF,
    "last line ends in LF": _CHUNK_LF,
    "chunk extension with NUL": "nginx skips extensions unread; so do we, where they are well-formed.",
    "chunk extension, open quote": "nginx skips extensions unread; so do we, where they are well-formed.",
    "endless chunk extension": _STATUS,
    "trailer with length": _TRAILER,
    "trailer with coding": _TRAILER,
    "trailer with NUL": _TRAILER,
    "trailer folded": _TRAILER,
    "trailer without colon": _TRAILER,
    "endless trailer": "nginx reads on for as long as it comes; we bound it as a head.",
    "header without colon": "nginx takes it for a field without a value, which RFC 9112 section 5 has not.",
    "bracket in name": "nginx drops a field whose name it does not like; we refuse the request.",
    "non-ASCII name": "nginx drops a field whose name it does not like; we refuse the request.",
    "control byte in value": _BYTES,
    "DEL in value": _BYTES,
    "non-ASCII value": _BYTES,
    "non-ASCII target": _BYTES,
    "header ends in LF": _LF,
    "head ends in LF": _LF,
    "line ends in LF": _LF,
    "head too large": _STATUS,
    "target too large": _STATUS,
    "too many headers": "nginx bounds the bytes of a head only; we bound its lines, too.",
    "blank line first": _BLANK,
    "LF first": _BLANK,
    "two spaces in the line": _SPACES,
    "space behind the version": _SPACES,
    "HTTP/0.9": "nginx still answers HTTP/0.9, without a head; we refuse it.",
    "HTTP/1.2": _VERSION,
    "HTTP/1.10": _VERSION,
    "HTTP/2 preface": _STATUS,
    "fragment in target": "nginx passes a fragment on; RFC 9112 section 3.2 has none in a target.",
    "target of another scheme": "nginx takes any scheme of an absolute target; we take those that are HTTP.",
    "CONNECT": _STATUS,
    "TRACE": _STATUS,
    "unknown method": "nginx passes on any word for a method; we pass on those that the APIs behind us use.",
    "Host with user": _HOST,
    "Host with a word for a port": _HOST,
    "upgrade to h2c": _UPGRADE,
    "upgrade to websocket": _UPGRADE,
    "upgrade alone": _UPGRADE,
    "upgrade named alone": _UPGRADE,
    "leg header": _CONTROL,
    "a field of the gateway's own": _CONTROL,
    "another expectation": _EXPECT,
    "two expectations in one": _EXPECT,
    "length between tabs": "nginx knows no tab around a value, which RFC 9112 section 5.1 allows.",
    "length under another name": "nginx drops names with an underscore, for the sake of CGI.",
    "hop-by-hop fields": _NAMED,
    "Connection that names the credentials": _NAMED,
    "close, quoted": "nginx looks for `close` anywhere in the value; we read it as the list that it is.",
    "Proxy-Connection that closes": "nginx passes Proxy-Connection on; RFC 9112 appendix C.2.2 says to drop it.",
    "HTTP/1.0 that would be kept": "nginx keeps an HTTP/1.0 connection that asks for it; we close each.",
    "asterisk with OPTIONS": "nginx refuses the asterisk form; RFC 9112 section 3.2.4 is about nothing else.",
    "NUL in target, escaped": "nginx decodes the path, and refuses NUL in it; we decode nothing.",
    "Host empty": "nginx refuses an empty Host, which RFC 9112 section 3.2 allows; no arm ever sees it.",
}


async def test_every_difference_from_nginx_is_explained_and_every_explanation_is_a_difference(
    stand: Stands, tmp_path: Path
) -> None:
    different = set()
    async with (
        recording() as ours,
        recording() as theirs,
        nginx(tmp_path, theirs.port) as port,
        stand(ours.address, ours.address, limits={"head_timeout": 1.0, "idle_timeout": 1.0}) as s,
    ):
        for name, row in ROWS.items():
            here = Outcome(statuses(await exchange(s.port, row.sent + AFTER)), ours.taken())
            there = Outcome(statuses(await exchange(port, row.sent + AFTER)), theirs.taken())
            if here != there:
                different.add(name)
    assert different == EXPLAINED.keys()
