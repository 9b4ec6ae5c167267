"""`switchyard evaluate`: the summary, one model, all slices, profiles."""

import json
import os
from unittest.mock import patch

import msgspec
import pytest
from click.testing import CliRunner

from models import reports
from models.evaluation import ReportRow
from models.reports import Footprint, Training
from switchyard.cli import main
from switchyard.home import Home
from switchyard.profiles import load_profile
from switchyard.settings import get_settings


def trained(profile, value):
    row = ReportRow(
        "phase_imbalance", profile, "training", "all", "accuracy", "higher", value,
        value - 0.01, value + 0.01, "lvur", 0.9, 0.92, 0.99, 0.96, value >= 0.96,
    )  # fmt: skip
    apart = {"bar": None, "met": None}
    unseen = msgspec.structs.replace(row, substation="held_out", value=0.931, low=0.92, high=0.94, **apart)
    fault = msgspec.structs.replace(row, slice="fault", value=0.5, low=0.4, high=0.6, **apart)
    cost = Footprint("phase_imbalance", 4, 2048, 6.0, 0.1, 1000, 7)
    return Training(
        "phase_imbalance", profile, "2026-11-21T20:54:01+00:00", 7, {}, cost, (row, unseen, fault)
    )


@pytest.fixture
def evaluate(tmp_path):
    """Runs `evaluate` in a home that has a model of two profiles."""
    home = Home(tmp_path / "home")
    reports.write(home, load_profile("full"), [trained("quick", 0.951), trained("full", 0.972)])

    def run(*words):
        get_settings.cache_clear()
        return CliRunner().invoke(main, ["evaluate", *words])

    with patch.dict(os.environ, {"SWITCHYARD_HOME": str(home.root), "COLUMNS": "200"}):
        yield run
    get_settings.cache_clear()


def test_evaluate__no_model__one_row_each_with_verdict_figure_opponent_and_never_seen(evaluate):
    shown = evaluate().stdout
    assert "1 of 1 bars missed" in shown
    assert "95.1 % of the windows" in shown
    assert "92.0 % by a decision tree" in shown
    assert "93.1 %" in shown
    assert "0 of 1 meet all their bars" in shown
    assert "also trained here, with another profile: full" in shown


def test_evaluate__another_profile__shows_that_one_alone(evaluate):
    shown = evaluate("--profile", "full").stdout
    assert "profile full, seed 7" in shown
    assert "97.2 %" in shown
    assert "95.1 %" not in shown


def test_evaluate__a_model__its_section_and_only_with_all_slices_every_figure(evaluate):
    shown = evaluate("phase_imbalance").stdout
    assert "version 4; profile quick, seed 7" in shown
    assert "Missed: 95.1 % (94.1 to 96.1 %)" in shown
    assert "Compared with: 90.0 % by the rule on line voltages (LVUR)" in shown
    assert "**" not in shown
    assert "every figure" not in shown
    more = evaluate("phase_imbalance", "--all-slices").stdout
    assert "every figure" in more
    assert "fault" in more


def test_evaluate__json__rows_of_the_profile_with_bars_or_all(evaluate):
    (bar,) = json.loads(evaluate("--json").stdout)
    assert (bar["profile"], bar["value"], bar["met"]) == ("quick", 0.951, False)
    rows = json.loads(evaluate("--json", "--all-slices", "--profile", "full").stdout)
    assert [one["slice"] for one in rows] == ["all", "all", "fault"]
    assert {one["profile"] for one in rows} == {"full"}


@pytest.mark.parametrize(
    ("words", "told", "remedy"),
    [
        (["--profile", "tiny"], "only with full, quick", "switchyard evaluate --profile full"),
        (["phase_imbalance", "--profile", "tiny"], "phase_imbalance has been trained", "--profile full"),
        (["voltage_sag"], "voltage_sag has not been trained here", "switchyard train"),
        (["voltage_sage"], "no model 'voltage_sage'", "choose one of voltage_anomaly"),
    ],
)
def test_evaluate__what_is_not_there__is_told_with_what_to_do(evaluate, words, told, remedy):
    done = evaluate(*words)
    assert done.exit_code in {1, 2}
    assert told in done.stderr
    assert remedy in done.stderr


def test_evaluate__nothing_trained__says_so(tmp_path):
    get_settings.cache_clear()
    with patch.dict(os.environ, {"SWITCHYARD_HOME": str(tmp_path)}):
        done = CliRunner().invoke(main, ["evaluate"])
    get_settings.cache_clear()
    assert done.exit_code == 1
    assert "nothing has been trained here" in done.stderr
