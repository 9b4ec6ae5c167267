"""Every outbound field is described, and those that have left are listed from the ledger."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from benchmarks import outbound_fields
from federation.inventory import UNDESCRIBED, inventory, meaning
from federation.ledger import records
from federation.run import ledger_of
from switchyard.cli import main
from switchyard.settings import get_settings


def test_page__fields_of_every_federated_model__are_described_as_the_gate_expects_them():
    made = outbound_fields.page()
    assert UNDESCRIBED not in made
    assert outbound_fields.PAGE.read_text(encoding="utf-8") == made


def test_meaning__field_that_no_family_sends__is_not_described():
    assert meaning("phase_imbalance", "decision_tree", "grow", "rows_as_they_are") == UNDESCRIBED
    assert meaning("phase_imbalance", "no_family", "grow", "cell") == UNDESCRIBED
    assert "layer" in meaning("reactive_power", "fedavg", "train", "w07")
    assert meaning("load_forecast", "fedavg", "fine_tune", "errors.count") == meaning(
        "load_forecast", "fedavg", "errors", "count"
    )
    assert meaning("grid_stability", "chained", "grow", "cell") == meaning(
        "voltage_sag", "weighted_forests", "grow", "cell"
    )
    assert meaning("grid_stability", "chained", "weights terms", "m2") == meaning(
        "energy_loss", "linear", "terms", "m2"
    )


def test_inventory__ledger_of_a_federation__lists_each_field_once(bench):
    made = bench("voltage_anomaly")
    made.run()
    found = inventory(records(made.ledger.path))
    sent = {
        (record["phase"], part["name"])
        for record in records(made.ledger.path)
        for site in record["sites"].values()
        for part in site["fields"]
    }
    assert [(one.phase, one.name) for one in found] == sorted(sent)
    assert {one.sites for one in found} == {("bangalore", "delhi", "mumbai")}
    assert {one.times for one in found} == {3}
    scores = next(one for one in found if one.name == "scores")
    assert scores.dtype == "<i8"
    assert len(scores.shape) == 1
    assert 0 < scores.largest_bytes <= 8 * scores.shape[0]


def test_inventory__refused_update__is_not_listed_as_admitted(bench):
    made = bench("phase_imbalance", tamper=lambda _n, site, data: b"" if site == "delhi" else data)
    made.run()
    assert {site for one in inventory(records(made.ledger.path)) for site in one.sites} == {
        "bangalore",
        "mumbai",
    }


@pytest.fixture
def ledger_home(bench, campaign, monkeypatch, tmp_path):
    made = bench("phase_imbalance")
    made.run()
    home = type(campaign.home)(tmp_path / "home")
    ledger_of(home).parent.mkdir(parents=True)
    ledger_of(home).write_bytes(made.ledger.path.read_bytes())
    monkeypatch.setenv("SWITCHYARD_HOME", str(home.root))
    get_settings.cache_clear()
    yield home
    get_settings.cache_clear()


def test_federation_fields__json__is_the_inventory(ledger_home):
    result = CliRunner().invoke(main, ["federation", "fields", "--json"], catch_exceptions=False)
    listed = json.loads(result.output)
    assert {(one["phase"], one["name"]) for one in listed} == {
        ("moments", "mean"), ("moments", "m2"), ("lattice", "cell"), ("lattice", "count"),
        ("grow", "cell"), ("grow", "count"),
    }  # fmt: skip
    assert all(one["meaning"] != UNDESCRIBED for one in listed)


def test_federation_fields__text__says_what_each_field_is(ledger_home):
    result = CliRunner().invoke(main, ["federation", "fields", "phase_imbalance"], catch_exceptions=False)
    assert "phase_imbalance, moments: mean, <f8 [" in result.output
    assert "mean of each column" in result.output


def test_federation_fields__model_that_never_took_part__is_refused(ledger_home):
    result = CliRunner().invoke(main, ["federation", "fields", "voltage_sag"])
    assert result.exit_code != 0
    assert "nothing of voltage_sag" in result.output
