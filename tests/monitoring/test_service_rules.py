"""Alert rules of the service: by Prometheus' own linter where it is there, always by a PromQL parser."""

import shutil
import subprocess
from pathlib import Path

import promql_parser
import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "monitoring" / "prometheus"
GROUPS = yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="no promtool: it is in Debian's package prometheus"
)


def promtool(*arguments):
    done = subprocess.run(
        [PROMTOOL, *arguments], capture_output=True, text=True, check=False, cwd=FOLDER, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_rules__promtool__sound():
    promtool("check", "rules", "rules.yml")


@needs_promtool
def test_rules__promtool_unit_tests__fire_when_they_must():
    promtool("test", "rules", "rules_test.yml")


@needs_promtool
def test_scrape_configuration__promtool__sound():
    promtool("check", "config", "prometheus.yml")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert", rule.get("record")))
def test_rule__parsed__sound_promql(rule):
    promql_parser.parse(rule["expr"])


def test_promql_parser__expression_that_promtool_refuses__refused_too():
    with pytest.raises(ValueError, match="invalid"):
        promql_parser.parse("a / ignoring (bin) group_left (b > 0)")


@pytest.mark.parametrize("alert", ALERTS.values(), ids=lambda rule: rule["alert"])
def test_alert__read_by_a_person__severity_summary_and_description(alert):
    assert alert["labels"]["severity"] in {"info", "warning", "critical"}
    assert alert["annotations"]["summary"]
    assert "{{ $labels.instance }}" in alert["annotations"]["description"]


def test_every_alert__rules_test__fires_there_at_least_once():
    tests = yaml.safe_load((FOLDER / "rules_test.yml").read_text())["tests"]
    covered = {
        case["alertname"] for test in tests for case in test.get("alert_rule_test", ()) if case["exp_alerts"]
    }
    assert set(ALERTS) - covered == set()


@pytest.mark.parametrize(
    ("alert", "limit", "severity"),
    [
        ("SwitchyardP50AboveTarget", "> 0.002", "info"),
        ("SwitchyardP99AboveTarget", "> 0.01", "info"),
        ("SwitchyardSlow", "> 0.2", "warning"),
        ("SwitchyardVerySlow", "> 0.5", "critical"),
    ],
)
def test_latency_alerts__limits__those_that_are_documented(alert, limit, severity):
    assert ALERTS[alert]["expr"].endswith(limit)
    assert ALERTS[alert]["labels"]["severity"] == severity
