"""`reports/models.json` and `models.md`: what they hold, and that profiles do not mix."""

import json
from dataclasses import replace

import msgspec
import pytest

from models import reports
from models.catalogue import NAMES, definition
from models.declaration import Bar
from models.evaluation import ReportRow
from models.plain import Said
from models.reports import Footprint, Training
from models.standing import asked, standing, why
from switchyard.home import Home
from switchyard.profiles import load_profile

QUICK = load_profile("quick")
ROW = ReportRow(
    model="phase_imbalance",
    profile="quick",
    substation="training",
    slice="all",
    metric="accuracy",
    direction="higher",
    value=0.95,
    low=0.93,
    high=0.97,
    opponent="lvur",
    opponent_value=0.90,
    tree3=0.92,
    oracle=0.99,
    bar=0.96,
    met=False,
)


def row(**changes):
    return msgspec.structs.replace(ROW, **changes)


def beside(substation, kind="all", **changes):
    """A row that no bar stands at."""
    return row(substation=substation, slice=kind, bar=None, met=None, **changes)


def training(profile="quick", rows=(ROW,), **changes):
    made = Training(
        model="phase_imbalance",
        profile=profile,
        finished="2026-11-21T20:54:01+00:00",
        seed=7,
        datasets={f"{profile}.mumbai": "ab" * 32},
        footprint=Footprint("phase_imbalance", 3, 2048, 6.0, 0.1, 1000, 7),
        rows=tuple(msgspec.structs.replace(one, profile=profile) for one in rows),
    )
    return msgspec.structs.replace(made, **changes)


def stand(*rows, held_out=("chennai",)):
    return standing("phase_imbalance", definition("phase_imbalance"), rows, held_out)


@pytest.mark.parametrize("name", NAMES)
def test_plain__every_model__has_words_for_its_purpose_bars_and_opponents(name):
    declared = definition(name)
    plain = declared.plain
    metrics = {metric.name for metric in declared.metrics}
    assert {bar.metric for bar in declared.bars} | {plain.main} == set(plain.said)
    assert set(plain.said) <= metrics
    assert set(plain.rivals) == set(declared.opponents)
    assert plain.purpose.endswith(".")
    assert plain.purpose.count(".") == 1
    assert len(plain.purpose) <= 100
    for bar in declared.bars:
        assert asked(declared, bar, declared.metric(bar.metric).direction)


@pytest.mark.parametrize(
    ("said", "value", "figure"),
    [
        (Said("x"), 0.97648, "97.6 %"),
        (Said("x"), 0.0, "0 %"),
        (Said("x", "kW", 1e-3), 7816.4, "7.82 kW"),
        (Said("x", "kvar", 1e-3), 317613.7, "317.6 kvar"),
        (Said("x", "mHz", 1.0), 12.606, "12.6 mHz"),
        (Said("x", "", 1.0), 0.1905, "0.191"),
        (Said("x", "W", 1.0), 52918.2, "52,918 W"),
        (Said("x", "", 1.0), -0.0045, "-0.004"),
    ],
)
def test_said__figure__has_the_unit_and_the_digits_that_people_read(said, value, figure):
    assert said.figure(value) == figure


def test_standing__a_missed_bar__is_counted_with_what_it_is_beside():
    one = stand(ROW, beside("held_out", value=0.91, low=0.90, high=0.92))
    assert one.verdict == "1 of 1 bars missed"
    assert not one.met
    assert one.figure == "95.0 %"
    assert one.interval == "93.0 to 97.0 %"
    assert one.rival == "90.0 % by the rule on line voltages (LVUR)"
    assert one.strongest == "92.0 % by a decision tree of depth 3"
    assert one.best.startswith("99.0 % is the best possible (line-voltage formula")
    assert one.held_out == "91.0 % (90.0 to 92.0 %)"


def test_standing__met_here_and_not_where_never_trained__is_a_doubt():
    one = stand(row(value=0.97, met=True), beside("held_out", value=0.91, low=0.90, high=0.92))
    assert one.met
    (doubt,) = one.doubts
    assert doubt.startswith("never seen: 91.0 % (90.0 to 92.0 %) of the windows")
    assert doubt.endswith("where 96.0 % is asked")


def test_standing__slices__only_those_surely_worse_or_surely_beaten_are_doubts():
    worse = beside("training", "fault", value=0.50, low=0.45, high=0.60)
    perhaps = beside("training", "sag", value=0.90, low=0.80, high=0.98)
    hopeless = beside("training", "swell", value=0.40, low=0.30, high=0.50, oracle=0.40, opponent_value=0.40)
    beaten = beside("training", "normal", value=0.95, low=0.94, high=0.96, opponent_value=0.97)
    site = beside("delhi", value=0.80, low=0.70, high=0.85)
    of_site = beside("delhi", "fault", value=0.10, low=0.05, high=0.15)
    assert stand(ROW, worse, perhaps, hopeless, beaten, site, of_site).doubts == (
        "episodes of kind fault: 50.0 % (45.0 to 60.0 %) instead of 95.0 %",
        "Delhi: 80.0 % (70.0 to 85.0 %) instead of 95.0 %",
        "episodes of kind normal: 95.0 %, but 97.0 % by the rule on line voltages (LVUR)",
    )


@pytest.mark.parametrize(
    ("bar", "changes", "told"),
    [
        (Bar("accuracy", 0.96), {"oracle": 0.955}, "not even the best possible, 95.5 %, reaches 96.0 %"),
        (Bar("accuracy", 0.96), {}, "too few episodes to tell; the best possible is 99.0 %"),
        (Bar("accuracy", 0.96), {"high": 0.955, "oracle": None}, "short of 96.0 %"),
        (Bar("accuracy", beats=("lvur",)), {"opponent_value": 0.96}, "(LVUR) is as good or better (96.0 %)"),
        (Bar("accuracy", beats=("tree3",)), {"tree3": 0.95}, "a decision tree of depth 3 is as good"),
        (Bar("accuracy", beats=("lvur",)), {}, "but not surely"),
        (Bar("accuracy", contains=0.90), {"bar": 0.90}, "the interval does not hold 90.0 %"),
    ],
)
def test_why__each_way_to_miss_a_bar__is_told_from_its_row(bar, changes, told):
    assert told in why(definition("phase_imbalance"), bar, row(**changes))


def test_asked__rivals__are_named_once_a_kind():
    declared = definition("phase_imbalance")
    bar = Bar("accuracy", 0.96, beats=("pvur", "tree3"), exceeds=("lvur",))
    assert asked(declared, bar, "higher") == (
        "at least 96.0 %; surely better than the rule on phase voltages (PVUR) and "
        "a decision tree of depth 3; better than the rule on line voltages (LVUR)"
    )
    assert asked(declared, replace(bar, beats=(), exceeds=()), "lower") == "at most 96.0 %"


def test_write__one_model__is_json_without_nan_and_a_page_for_people(tmp_path):
    home = Home(tmp_path)
    held_out = beside("held_out", value=0.91, low=0.90, high=0.92)
    reports.write(home, QUICK, [training(rows=(ROW, held_out))])
    listed = json.loads((home.reports / "models.json").read_text(), parse_constant=pytest.fail)
    assert listed == [msgspec.to_builtins(ROW), msgspec.to_builtins(held_out)]
    page = (home.reports / "models.md").read_text()
    assert "Profile quick, seed 7; learnt from Mumbai, Delhi, Bangalore; never seen: Chennai" in page
    assert "trained 2026-11-21 20:54 UTC" in page
    assert "| quick.mumbai | `abababababababab` | all |" in page
    assert "Version 3; trained on 1,000 windows, 7 left out" in page
    assert "**Where it was never trained (Chennai):** 91.0 %" in page
    assert page.index("## Summary") < page.index("## phase_imbalance")


def test_write__no_table_of_the_page__is_wider_than_five_columns(tmp_path):
    home = Home(tmp_path)
    reports.write(home, QUICK, [training(rows=(ROW, beside("held_out")))])
    tables = [line for line in (home.reports / "models.md").read_text().splitlines() if line[:1] == "|"]
    assert len(tables) > 3
    assert max(line.count(" | ") for line in tables) == 4


def test_write__two_profiles_of_one_home__are_kept_apart(tmp_path):
    home, full = Home(tmp_path), load_profile("full")
    first = training()
    second = training("full", [row(value=0.99, met=True)])
    reports.write(home, QUICK, [first])
    reports.write(home, full, [second, first])
    assert {
        (one["profile"], one["value"]) for one in json.loads((home.reports / "models.json").read_text())
    } == {
        ("quick", 0.95),
        ("full", 0.99),
    }
    assert reports.read(home) == (second, first)
    page = (home.reports / "models.md").read_text()
    assert page == (home.reports / "models.full.md").read_text()
    assert "[models.quick.md](models.quick.md)" in page
    assert "95.0 %" not in page.partition("## Data")[0].replace("at least 95.0 %", "")
    assert "95.0 %" in (home.reports / "models.quick.md").read_text()


def test_read__an_empty_home__is_empty(tmp_path):
    assert reports.read(Home(tmp_path)) == ()
