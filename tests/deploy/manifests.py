"""Reads deploy/'s Kubernetes files as kustomize would, as far as they use of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import yaml

from proxy.config import Config
from proxy.config_file import parse

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
TOKENS = {"SLIPGAUGE_VIEWER_TOKEN": "v" * 32, "SLIPGAUGE_OPERATOR_TOKEN": "o" * 32, "SLIPGAUGE_SALT": "s" * 32}
STATE = "/var/lib/slipgauge"
SCHEMAS = Path(__file__).parent / "schemas"


def documents(path: Path) -> list[Any]:
    """All YAML documents of a file."""
    return list(yaml.safe_load_all(path.read_text()))


def configured(path: Path, state: Path) -> Config:
    """A configuration that must be good, where `state` stands for the folder that a volume is mounted at."""
    return parse(path.read_text().replace(STATE, str(state)), TOKENS, source=str(path))


def validators() -> dict[str, jsonschema_rs.Draft202012Validator]:
    """The validator of each kind, by group, version and kind."""
    found: dict[str, jsonschema_rs.Draft202012Validator] = {}
    for name in ("kubernetes.json", "custom.json"):
        tree = orjson.loads((SCHEMAS / name).read_bytes())
        for kind, schema in tree["kinds"].items():
            whole = {"$ref": f"#/$defs/{schema}", "$defs": tree["$defs"]}
            found[kind] = jsonschema_rs.Draft202012Validator(whole)
    return found


def kind_of(manifest: Any) -> str:
    return f"{manifest['apiVersion']}/{manifest['kind']}"


class Overlay:
    """One folder with a kustomization: its manifests, and the config maps that it generates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (self.kustomization,) = documents(folder / "kustomization.yaml")
        self.manifests = [m for name in self.kustomization["resources"] for m in documents(folder / name)]
        self.config_maps = {
            made["name"]: {Path(name).name: folder / name for name in made["files"]}
            for made in self.kustomization.get("configMapGenerator", ())
        }

    def of(self, kind: str) -> list[Any]:
        """The manifests of a kind."""
        return [manifest for manifest in self.manifests if manifest["kind"] == kind]

    def workloads(self) -> list[Any]:
        """Whatever makes pods."""
        return [*self.of("Deployment"), *self.of("StatefulSet")]

    def containers(self) -> Iterator[tuple[Any, Any]]:
        """Each pod's specification with each of its containers."""
        for workload in self.workloads():
            spec = workload["spec"]["template"]["spec"]
            yield from ((spec, container) for container in spec["containers"])

    def selected(self, labels: dict[str, str]) -> list[Any]:
        """The workloads whose pods have these labels."""
        return [
            w for w in self.workloads() if labels.items() <= w["spec"]["template"]["metadata"]["labels"].items()
        ]
