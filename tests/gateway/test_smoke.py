from __future__ import annotations

from stands import Stands
from peer import always, ask, plain, post, serving, streamed


async def test_a_request_is_answered_by_the_baseline_and_paired(stand: Stands):
    async with (
        serving(always(plain(b'{"a":1}'))) as baseline,
        serving(streamed([b"data: 1\n\n", b"data: 2\n\n"])) as candidate,
        stand(baseline.address, candidate.address) as s,
    ):
        got = await ask(s.port, post("/v1/chat/completions", b'{"model":"m"}'))
        assert (got.status, got.body) == (200, b'{"a":1}')
        assert await s.settled() == {"paired": 1}
        print(s.pairs, baseline.requests, candidate.requests)
