"""Check the object that `slipgauge demo --candidate slipping --json` printed: python tests/demo_check.py FILE."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import orjson


def problems(told: dict[str, Any]) -> list[str]:
    """What is wrong with a demo's object; nothing where a slip was found and rolled back, and no request lost."""
    found = []
    if (told["verdict"], told["stage"]) != ("fail", "rolled_back"):
        found.append(f"the verdict is {told['verdict']} and the stage {told['stage']}")
    found += [
        f"{row['name']} is {row['state']} with an e-value of {row['e_value']}"
        for row in told["guardrails"]
        if row["name"] == "math.checked" and row["state"] != "fail"
    ]
    ledger = dict(told["ledger"])
    total = ledger.pop("total")
    if sum(ledger.values()) != total or not total:
        found.append(f"the ledger's states sum to {sum(ledger.values())}, its total is {total}")
    if ledger.get("paired", 0) < 0.95 * total:
        found.append(f"only {ledger.get('paired')} of {total} requests were paired")
    findings = told["findings"]
    expected = ("served", "json.prompted", "refusal.lost", "refusal.gained", "math.checked")
    found += [f"{name} scored nothing" for name in expected if not sum(findings.get(name, {}).values())]
    worse = sum(cells["pass_fail"] for cells in findings.values())
    better = sum(cells["fail_pass"] for cells in findings.values())
    if worse <= better:
        found.append(f"the slipping candidate failed {worse} times alone, the baseline {better} times")
    return found


if __name__ == "__main__":
    wrong = problems(orjson.loads(Path(sys.argv[1]).read_bytes()))
    print("\n".join(wrong) or "the demo's figures add up")  # noqa: T201 - this is a script
    sys.exit(bool(wrong))
