"""The section of the case pool. `docs/cases.md` says what is kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from proxy.config_section import Count, FieldName, Section


class Cases(Section):
    """Pairs kept as future eval cases, and how many."""

    path: str | None = Field(
        None, min_length=1, description="The file that holds them; none are kept where left out."
    )
    uniform: Annotated[int, Field(ge=1, le=100_000)] = Field(
        1_000, description="Pairs drawn from all alike, from which rates are estimated."
    )
    stratum: Annotated[int, Field(ge=1, le=10_000)] = Field(
        100, description="Pairs of each failure that an analyzer names, and of the most divergent."
    )
    count: Annotated[int, Field(ge=1, le=1_000_000)] = Field(5_000, description="Most cases in all.")
    bytes: Annotated[int, Field(ge=16 * 1024 * 1024)] = Field(
        256 * 1024 * 1024, description="Most bytes of all cases."
    )
    age: Annotated[float, Field(ge=60, le=315_360_000)] = Field(
        2_592_000.0, description="Time after which a case is deleted; 30 days."
    )
    store_text: bool = Field(
        True, description="Whether redacted texts are kept; without them the shape and the findings alone."
    )
    redactor: str | None = Field(
        None,
        min_length=1,
        description="A finder of your own beside the built-in ones: an installed one's name, or module:function.",
    )
    tenant_header: FieldName | None = Field(
        None, description="Request header that names the tenant, for `exclude_tenants`."
    )
    exclude_tenants: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="Tenants of whom nothing is kept, by that header's value; upper and lower case are alike."
    )
    exclude_subjects: tuple[str, ...] = Field(
        (), description="Clients of whom nothing is kept, by the hash of their identity that a case shows."
    )
    queue_bytes: Count = Field(
        32 * 1024 * 1024,
        description="Most bytes of cases on their way into the file; more are dropped and counted.",
    )
