from __future__ import annotations

from tests.control.conftest import admin, baseline, cases, config, connect, control, gateways, keeper, ledger

__all__ = ["admin", "baseline", "cases", "config", "connect", "control", "gateways", "keeper", "ledger"]
