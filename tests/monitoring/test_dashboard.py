"""The Grafana dashboard: current, readable by Grafana's types, and by the rules of Grafana's own linter."""

import json

import promql_parser
import pytest

from monitoring import dashboard

BOARD = json.loads(dashboard.FILE.read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
TARGETS = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]


def plain(expression):
    """PromQL with Grafana's variables filled in."""
    return expression.replace("$__rate_interval", "5m").replace("$job", "switchyard")


def test_dashboard__generated_anew__the_file_is_current():
    assert dashboard.main(["--check"]) == 0


def test_dashboard__read_by_grafanas_types_and_written_again__the_same():
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard

    register_default_plugins()
    again = json.loads(json.dumps(Dashboard.from_json(BOARD), cls=JSONEncoder))
    assert again == BOARD


@pytest.mark.parametrize(("title", "expression"), TARGETS)
def test_query__parsed__sound_promql(title, expression):
    promql_parser.parse(plain(expression))


@pytest.mark.parametrize(("title", "expression"), TARGETS)
def test_query__of_a_rate__takes_grafanas_interval_and_the_chosen_instances(title, expression):
    assert 'job="$job"' in expression
    assert 'instance=~"$instance"' in expression
    if "rate(" in expression:
        assert "[$__rate_interval]" in expression


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_panel__looked_at__titled_described_with_unit_and_chosen_source(panel):
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "$datasource"}
    assert [target["refId"] for target in panel["targets"]] == list("ABC")[: len(panel["targets"])]


def test_panels__placed__none_overlaps_another_or_leaves_the_page():
    taken = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    titles = [panel["title"] for panel in PANELS]
    assert len(set(titles)) == len(titles)


def test_dashboard__variables__source_job_and_instance_are_chosen_by_the_viewer():
    names = [variable["name"] for variable in BOARD["templating"]["list"]]
    assert names[:3] == ["datasource", "job", "instance"]
    assert BOARD["uid"] == "switchyard-serving"
