"""A filter as SQL. Values are bound, never written into the text."""

from __future__ import annotations

from typing import Any

from cases.filter import UNLABELLED, Filter, Order, after

_COLUMNS = {Order.NEWEST: "at", Order.DIVERGENT: "divergence"}


def query(wanted: Filter) -> tuple[str, list[Any]]:
    """The statement that gives the pair ids of the wanted cases, and its values. Raises FilterError."""
    column, where, values = _COLUMNS[wanted.order], ["1"], list[Any]()
    failure = {"analyzer": wanted.analyzer, "variable": wanted.variable, "label": wanted.label}
    asked = {name: value for name, value in failure.items() if value is not None}
    if asked:
        told = " AND ".join(f"f.{name} = ?" for name in asked)
        where.append(f"EXISTS (SELECT 1 FROM failures f WHERE f.pair_id = c.pair_id AND {told})")  # noqa: S608 - our own words
        values += asked.values()
    if wanted.judged == UNLABELLED:
        where.append("NOT EXISTS (SELECT 1 FROM labels l WHERE l.pair_id = c.pair_id)")
    elif wanted.judged is not None:
        where.append("EXISTS (SELECT 1 FROM labels l WHERE l.pair_id = c.pair_id AND l.judged = ?)")
        values.append(wanted.judged)
    if wanted.segment is not None:
        where.append("EXISTS (SELECT 1 FROM segments s WHERE s.pair_id = c.pair_id AND s.segment = ?)")
        values.append(wanted.segment)
    if wanted.stratum is not None:
        where.append("EXISTS (SELECT 1 FROM members m WHERE m.pair_id = c.pair_id AND m.stratum = ?)")
        values.append(wanted.stratum)
    if (place := after(wanted)) is not None:
        where.append(f"(c.{column}, c.pair_id) < (?, ?)")
        values += place
    order = f"c.{column} DESC, c.pair_id DESC"
    text = f"SELECT c.pair_id FROM cases c WHERE {' AND '.join(where)} ORDER BY {order} LIMIT ?"  # noqa: S608 - our own words
    return text, [*values, wanted.limit]
