from __future__ import annotations

import pytest

from proxy.config import Config, Guardrail
from verdict.guardrails import build


def test_the_weights_of_all_guardrails_sum_to_one() -> None:
    built = build(
        {"served": Guardrail(margin=0.01, weight=3), "json.invalid": Guardrail(margin=0.02, required=False)}
    )

    assert [(each.name, each.weight, each.required) for each in built] == [
        ("served", 0.75, True),
        ("json.invalid", 0.25, False),
    ]


def test_by_default_every_guardrail_has_the_same_weight_and_is_required() -> None:
    built = build(Config.model_fields["guardrails"].default)

    assert sum(each.weight for each in built) == pytest.approx(1)
    assert len({each.weight for each in built}) == 1
    assert all(each.required for each in built)
