"""What is in deploy/ for Kubernetes is valid, complete, and holds to what the rest of the repository says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.cli import main
from proxy.control.access import OPEN
from tests.deploy.manifests import DEPLOY, TOKENS, Overlay, configured, documents, kind_of, validators

FOLDERS = sorted(path.parent for path in DEPLOY.rglob("kustomization.yaml"))
OURS = [folder for folder in FOLDERS if (folder / "config.yaml").exists()]
VALIDATORS = validators()
NATS = shutil.which("nats-server", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
MANIFESTS = [
    *(
        path
        for folder in FOLDERS
        for path in sorted(folder.glob("*.yaml"))
        if path.name not in {"config.yaml", "equal.yaml"}
    ),
    DEPLOY / "tap" / "http-route.yaml",
]


def named(folder: Path) -> str:
    return str(folder.relative_to(DEPLOY))


@pytest.fixture(params=FOLDERS, ids=named)
def overlay(request: pytest.FixtureRequest) -> Overlay:
    return Overlay(request.param)


@pytest.fixture(params=OURS, ids=named)
def ours(request: pytest.FixtureRequest) -> Overlay:
    return Overlay(request.param)


@pytest.mark.parametrize("path", MANIFESTS, ids=named)
def test_every_manifest_is_what_its_schema_asks_for(path: Path) -> None:
    for manifest in documents(path):
        errors = [
            f"{error.instance_path}: {error.message}"
            for error in VALIDATORS[kind_of(manifest)].iter_errors(manifest)
        ]
        assert errors == []


def test_the_schemas_refuse_what_kubernetes_does_not_know() -> None:
    (good,) = [m for m in Overlay(OURS[-1]).manifests if kind_of(m) == "apps/v1/Deployment"]
    spec = good["spec"]["template"]["spec"]
    bad = {
        **good,
        "spec": {**good["spec"], "template": {**good["spec"]["template"], "spec": {**spec, "containerz": []}}},
    }

    assert VALIDATORS["apps/v1/Deployment"].is_valid(good)
    assert not VALIDATORS["apps/v1/Deployment"].is_valid(bad)


def test_no_two_manifests_have_one_name_and_what_is_named_is_there(overlay: Overlay) -> None:
    identities = [(kind_of(m), m["metadata"]["name"]) for m in overlay.manifests]
    files = [*overlay.kustomization["resources"], *(f for made in overlay.config_maps.values() for f in made)]
    used = {
        v["configMap"]["name"]
        for spec, _ in overlay.containers()
        for v in spec.get("volumes", ())
        if "configMap" in v
    }
    claims = {
        v["persistentVolumeClaim"]["claimName"]
        for spec, _ in overlay.containers()
        for v in spec.get("volumes", ())
        if "persistentVolumeClaim" in v
    }

    assert len(set(identities)) == len(identities)
    assert [name for name in files if not (overlay.folder / name).is_file()] == []
    assert used == set(overlay.config_maps)
    assert claims == {m["metadata"]["name"] for m in overlay.of("PersistentVolumeClaim")}


def test_every_image_has_an_exact_tag(overlay: Overlay) -> None:
    images = {container["image"] for _, container in overlay.containers()}

    assert images == {image["name"] for image in overlay.kustomization.get("images", ())}


def test_what_selects_pods_selects_some(overlay: Overlay) -> None:
    for service in overlay.of("Service"):
        (workload,) = overlay.selected(service["spec"]["selector"])
        ports = {port["name"] for c in workload["spec"]["template"]["spec"]["containers"] for port in c["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    for budget in overlay.of("PodDisruptionBudget"):
        assert len(overlay.selected(budget["spec"]["selector"]["matchLabels"])) == 1
    for scaler in overlay.of("HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        (scaled,) = [
            w for w in overlay.workloads() if (w["kind"], w["metadata"]["name"]) == (target["kind"], target["name"])
        ]
        assert "replicas" not in scaled["spec"]
    for workload in overlay.workloads():
        assert workload in overlay.selected(workload["spec"]["selector"]["matchLabels"])
        if workload["kind"] == "StatefulSet":
            headless = [s for s in overlay.of("Service") if s["spec"].get("clusterIP") == "None"]
            assert workload["spec"]["serviceName"] in {s["metadata"]["name"] for s in headless}


def test_nothing_waits_for_the_control_that_stands_by() -> None:
    fleet = Overlay(DEPLOY / "kubernetes" / "fleet")
    (control,) = [w for w in fleet.workloads() if w["metadata"]["name"] == "slipgauge-control"]
    budgets = [budget["metadata"]["name"] for budget in fleet.of("PodDisruptionBudget")]

    assert control["spec"]["updateStrategy"] == {"type": "OnDelete"}
    assert sorted(budgets) == ["nats", "slipgauge-gateway"]


def test_policies_name_ports_and_pods_that_exist(ours: Overlay) -> None:
    ports = {port["name"] for _, container in ours.containers() for port in container["ports"]}
    labels = {w["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"] for w in ours.workloads()}
    policies = {
        p["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"]: p["spec"]
        for p in ours.of("NetworkPolicy")
    }

    assert policies.keys() == labels
    for policy in policies.values():
        rules = [*policy["ingress"], *policy["egress"]]
        assert {port["port"] for rule in rules for port in rule.get("ports", ())} <= ports | {53}


def test_pods_may_do_as_little_as_they_need(ours: Overlay) -> None:
    for spec, container in ours.containers():
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]


def slipgauge(overlay: Overlay) -> list[tuple[Any, Any]]:
    return [(spec, container) for spec, container in overlay.containers() if container["image"] == "slipgauge"]


def test_slipgauge_is_started_and_asked_as_it_can_be(ours: Overlay, tmp_path: Path) -> None:
    config = configured(ours.config_maps["slipgauge"]["config.yaml"], tmp_path)
    assert config.gateway.watch_config > 0
    for spec, container in slipgauge(ours):
        command, path = container["args"]
        (mount,) = [m for m in container["volumeMounts"] if path.startswith(m["mountPath"] + "/")]
        given = {variable["name"] for variable in container["env"]}
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        probes = [container[kind]["httpGet"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")]

        assert command in main.commands
        assert "subPath" not in mount
        assert {config.admin.viewer_token_env, config.admin.operator_token_env, config.session.salt_env} - {
            None
        } <= given
        assert given <= {*TOKENS, "SLIPGAUGE_NAME"}
        assert config.admin.listen == f"0.0.0.0:{ports['admin']}"
        assert config.listen == f"0.0.0.0:{ports.get('http', 8080)}"
        assert {probe["path"] for probe in probes} <= OPEN
        assert {probe["port"] for probe in probes} == {"admin"}
        assert spec["terminationGracePeriodSeconds"] > config.limits.drain + 5


def test_slipgauge_asks_the_servers_that_are_deployed(ours: Overlay, tmp_path: Path) -> None:
    config = configured(ours.config_maps["slipgauge"]["config.yaml"], tmp_path)
    servers = Overlay(DEPLOY / "vllm")
    services = {
        f"http://{service['metadata']['name']}:{port['port']}"
        for service in servers.of("Service")
        for port in service["spec"]["ports"]
    }
    equal = yaml.safe_load((DEPLOY / "vllm" / "equal.yaml").read_text())

    assert {*config.baseline.url, *config.candidate.url} == services
    assert list(config.models) == [equal["served-model-name"]]
    assert ours.kustomization["namespace"] == servers.kustomization["namespace"]


def monitored(name: str, overlay: Overlay) -> dict[str, dict[str, str]]:
    """The services of an overlay that the monitor of this name finds, each with the labels its metrics get."""
    (monitor,) = [
        m
        for m in Overlay(DEPLOY / "kubernetes" / "monitoring").of("ServiceMonitor")
        if m["metadata"]["name"] == name
    ]
    wanted = monitor["spec"]["selector"]["matchLabels"]
    (endpoint,) = monitor["spec"]["endpoints"]
    found = dict[str, dict[str, str]]()
    for service in overlay.of("Service"):
        labels = service["metadata"].get("labels", {})
        if wanted.items() <= labels.items():
            assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
            targets = {"job": labels[monitor["spec"]["jobLabel"]]}
            if relabelled(endpoint.get("relabelings", ()), labels, targets):
                found[service["metadata"]["name"]] = targets
    return found


def relabelled(rules: Iterable[Any], labels: dict[str, str], targets: dict[str, str]) -> bool:
    """Do as Prometheus does with a target of a service that has these labels; whether it is scraped."""
    found = {f"__meta_kubernetes_service_label_{re.sub('[^a-zA-Z0-9_]', '_', k)}": v for k, v in labels.items()}
    for rule in rules:
        value = ";".join(found.get(name, "") for name in rule["sourceLabels"])
        if rule["action"] == "keep" and not re.fullmatch(rule["regex"], value):
            return False
        if rule["action"] == "replace":
            targets[rule["targetLabel"]] = value
    return True


def test_prometheus_finds_what_has_the_verdict_and_counts_nothing_twice(ours: Overlay) -> None:
    found = monitored("slipgauge", ours)
    selectors = [s["spec"]["selector"] for s in ours.of("Service") if s["metadata"]["name"] in found]
    (watched,) = {w["metadata"]["name"] for selector in selectors for w in ours.selected(selector)}

    assert watched in {"slipgauge", "slipgauge-control"}
    assert list(found.values()) == [{"job": "slipgauge"}]


def test_prometheus_labels_the_servers_as_that_of_the_compose_file_does() -> None:
    jobs = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    beside = [
        {"job": job["job_name"], **entry.get("labels", {})} for job in jobs for entry in job["static_configs"]
    ]
    found = monitored("vllm", Overlay(DEPLOY / "vllm"))

    assert list(found) == ["vllm-baseline", "vllm-candidate"]
    assert list(found.values()) == [labels for labels in beside if labels["job"] == "vllm"]


def test_prometheus_asks_for_metrics_where_no_token_is_needed() -> None:
    for monitor in Overlay(DEPLOY / "kubernetes" / "monitoring").of("ServiceMonitor"):
        assert {endpoint["path"] for endpoint in monitor["spec"]["endpoints"]} <= OPEN


@pytest.mark.skipif(NATS is None, reason="needs nats-server")
def test_nats_takes_its_configuration(tmp_path: Path) -> None:
    assert NATS is not None
    conf = tmp_path / "nats.conf"
    conf.write_text((DEPLOY / "kubernetes" / "fleet" / "nats.conf").read_text().replace("/data", str(tmp_path)))

    told = subprocess.run(
        [NATS, "-t", "-c", conf], env={"POD_NAME": "nats-0"}, capture_output=True, text=True, check=False
    )

    assert told.returncode == 0, told.stderr


KUSTOMIZE = shutil.which("kustomize")


@pytest.mark.skipif(KUSTOMIZE is None, reason="needs kustomize")
@pytest.mark.parametrize("folder", [f for f in FOLDERS if f.name != "monitoring"], ids=named)
def test_kustomize_builds_what_is_valid(folder: Path) -> None:
    assert KUSTOMIZE is not None
    built = subprocess.run([KUSTOMIZE, "build", str(folder)], capture_output=True, text=True, check=True).stdout

    for manifest in yaml.safe_load_all(built):
        if manifest["kind"] != "ConfigMap":
            assert VALIDATORS[kind_of(manifest)].is_valid(manifest)
