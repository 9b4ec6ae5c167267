import numpy as np
import pytest

from models import recording_report
from models.errors import DataError
from switchyard.files import read_json


def write(path, seconds):
    """A random walk that returns to nominal, as a meter with three decimals says it, with dropouts."""
    rng = np.random.default_rng(8)
    f, movement = np.zeros(seconds), 0.0
    for k in range(1, seconds):
        movement = 0.85 * movement + rng.normal(0, 8e-4)
        f[k] = 0.995 * f[k - 1] + movement
    values = np.round(50 + f, 3)
    values[[k for k in (700, 2500) if k < seconds]] = 0.0
    begin = 1_740_000_000
    text = "\n".join(f"{begin + k},{value}" for k, value in enumerate(values))
    path.write_text(f"time,frequency\n{text}\n", encoding="utf-8")
    return path


def test_evaluate__generated_recording__compares_every_forecast_and_writes_the_report(
    trained, campaign, profile, tmp_path
):
    result = recording_report.evaluate(campaign, profile, write(tmp_path / "walk.csv", 6000))
    assert result["dropouts"] == 2
    assert result["version"] == trained[recording_report.NAME].version.version
    by_name = {row["forecast"]: row for row in result["forecasts"]}
    assert set(by_name) == {
        "champion",
        "persistence",
        "ridge fitted on its first half",
        "ridge fitted on the simulation",
    }
    for row in by_name.values():
        assert 0 < row["low"] <= row["mae_mhz"] <= row["high"]
    # The walk's movement lasts seconds: who has seen it before beats who expects none.
    own, still = by_name["ridge fitted on its first half"], by_name["persistence"]
    assert own["mae_mhz"] < 0.9 * still["mae_mhz"]
    # A dropout takes the ten seconds that read it and the one whose truth it is.
    assert 0 < result["windows"] <= 3000 - 5
    assert read_json(campaign.reports / "recordings" / "walk.json") == result


def test_evaluate__a_few_minutes__are_too_short(trained, campaign, profile, tmp_path):
    with pytest.raises(DataError, match="usable seconds"):
        recording_report.evaluate(campaign, profile, write(tmp_path / "short.csv", 800))
