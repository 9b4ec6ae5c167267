"""What /metrics shows: all that rules and dashboard ask for, of all workers, and nothing of a request."""

import json
from pathlib import Path

import httpx
import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from monitoring import dashboard
from switchyard.children import free_port, start_child

RULES = Path(dashboard.__file__).parent / "prometheus" / "rules.yml"
OF_PROMETHEUS = {"up"}


def names_in(expression):
    plain = expression.replace("$__rate_interval", "5m")
    found = set()
    promql_parser.walk(
        promql_parser.parse(plain),
        lambda node: found.add(node.name) if isinstance(node, promql_parser.VectorSelector) else None,
    )
    return found


def asked_for():
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    panels = json.loads(dashboard.FILE.read_text())["panels"]
    shown = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    names = set().union(*(names_in(expression) for expression in [*(rule["expr"] for rule in rules), *shown]))
    return names - recorded - OF_PROMETHEUS


def samples(url):
    text = httpx.get(f"{url}/metrics", timeout=20).text
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def total(found, name, **labels):
    return sum(one.value for one in found if one.name == name and labels.items() <= one.labels.items())


def shown(url, item):
    with httpx.Client(base_url=url, timeout=20) as client:
        assert client.post("/v1/infer", json=item()).status_code == 200
        assert client.post("/v1/infer", json={"items": [item()] * 12}).status_code == 200
    return samples(url)


def test_metrics__of_rules_and_dashboard__shown_by_a_running_service(run_server, item):
    names = asked_for()
    assert len(names) > 15
    exposed = {one.name for one in shown(run_server.url, item)}
    # A counter with labels appears with its first event; that of what was turned away may still be to come.
    assert names - exposed <= {"switchyard_shed_total"}


def test_drift__items_answered__counted_in_the_bins_of_training(run_server, item):
    before = samples(run_server.url)
    after = shown(run_server.url, item)
    labels = {"model": "voltage_anomaly", "feature": "v_min_pu"}
    counted = total(after, "switchyard_feature_values_total", **labels)
    assert counted - total(before, "switchyard_feature_values_total", **labels) == 13
    assert total(after, "switchyard_feature_share", bin="1", **labels) == pytest.approx(0.8)
    words = {"model": "voltage_anomaly", "output": "anomaly_detected", "bin": "false"}
    assert total(after, "switchyard_prediction_values_total", **words) >= 13


def test_metrics__request_full_of_odd_words__none_of_them_becomes_a_label(run_server, item):
    with httpx.Client(base_url=run_server.url, timeout=20) as client:
        client.post("/v1/infer", json=item(substation="odd-station", point="odd-point"))
        client.get("/odd-path?odd=query", headers={"x-request-id": "odd-request", "authorization": "odd"})
        assert "odd" not in client.get("/metrics").text


def test_metrics__several_workers__all_of_them_whoever_is_asked(publisher, item, tmp_path):
    publisher.publish("1")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    arguments = [
        "-m",
        "serving.run",
        "--home",
        str(publisher.home.root),
        "--port",
        str(port),
        "--workers",
        "2",
    ]

    def both():
        try:
            return (
                total(samples(url), "switchyard_workers") == 2
                and total(samples(url), "switchyard_ready") == 1
            )
        except httpx.TransportError:
            return False

    with start_child(arguments, log_path=tmp_path / "serve.log", grace_s=20.0) as child:
        child.wait_ready(both, timeout_s=90)
        for _ in range(12):  # a new connection each, so that either worker answers some
            assert httpx.post(f"{url}/v1/infer", json=item(), timeout=20).status_code == 200
        counted = {total(samples(url), "switchyard_items_total", outcome="answered") for _ in range(6)}
        assert counted == {12.0}

        publisher.publish("2", low=-0.7)

        def forgotten():
            versions = {one.labels["version"] for one in samples(url) if "version" in one.labels}
            return versions == {
                f"{name}:2" for name in ("harmonic_analysis", "phase_imbalance", "voltage_anomaly")
            }

        child.wait_ready(forgotten, timeout_s=60)
