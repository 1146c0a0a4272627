"""Cases of a gateway that is elsewhere, kept by the control that leads."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.apart.stand import deployed, until
from tests.apart.test_roles import served

pytestmark = pytest.mark.timeout(300)


async def test_what_a_gateway_offers_is_kept_where_control_is(tmp_path: Path, urls: tuple[str, str]) -> None:
    async with deployed(tmp_path, urls, cases={"path": str(tmp_path / "cases.db")}) as apart:
        (gateway,) = apart.gateways

        async def kept() -> bool:
            await served(gateway, 5)
            _, told = await (await apart.leader()).ask("/cases")
            return bool(told["cases"])

        await until(kept)
        _, told = await (await apart.leader()).ask("/cases")
        _, case = await (await apart.leader()).ask(f"/cases/{told['cases'][0]['pair_id']}")

    assert case["request"]["messages"]
    assert case["strata"][0]["name"] == "uniform"
