"""The boards, one a file."""

from __future__ import annotations

from grafana.boards import analyzers, gateway, int4, overview

BOARDS = (overview.BOARD, analyzers.BOARD, gateway.BOARD, int4.BOARD)
