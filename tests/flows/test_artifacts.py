"""What the tables of a run read."""

from __future__ import annotations

from flows.artifacts import bar_row, slug
from models.evaluation import ALL, TRAINING, ReportRow


def row(**given: object) -> ReportRow:
    known = {
        "model": "load_forecast",
        "profile": "quick",
        "substation": TRAINING,
        "slice": ALL,
        "metric": "wape",
        "direction": "lower",
        "value": 1.0512345678901,
        "bar": 1.5,
        "met": True,
    }
    return ReportRow(**{**known, **given})  # type: ignore[arg-type]


def test_bar_row__all_known__verdict_first_and_four_digits() -> None:
    told = bar_row(row(low=0.98765, high=1.12345, opponent="lags", opponent_value=1.0587, oracle=0.73))
    assert list(told)[:4] == ["model", "metric", "met", "figure"]
    assert told == {
        "model": "load_forecast",
        "metric": "wape ↓",
        "met": "yes",
        "figure": "1.051",
        "bar": "1.5",
        "best opponent": "1.059 (lags)",
        "95 %": "0.9877 … 1.123",
        "tree of depth 3": "–",
        "oracle": "0.73",
    }


def test_bar_row__missed_and_nothing_beside__no_and_dashes() -> None:
    told = bar_row(row(met=False, direction="higher", value=None))
    assert (told["met"], told["metric"], told["figure"]) == ("no", "wape ↑", "–")
    assert (told["best opponent"], told["95 %"]) == ("–", "")


def test_slug__letters_of_a_registered_name__as_prefect_allows() -> None:
    assert slug("promotion-voltage_sag.delhi") == "promotion-voltage-sag-delhi"
