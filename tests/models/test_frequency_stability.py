import numpy as np
import pytest

from features.sequence import SEQUENCE_NAMES, sequence
from models.monitoring import frequency_stability as module
from models.monitoring.frequency_stability import DEFINITION
from models.pool import load
from serving.answers import build_decoder

NAME = "frequency_stability"


@pytest.fixture(scope="module")
def pool(profile, folders):
    return load(DEFINITION, profile, folders)


@pytest.fixture(scope="module")
def decoder(trained, campaign, tmp_path_factory):
    import json

    from models import registry

    folder = registry.download_compiled(campaign, NAME, "champion", tmp_path_factory.mktemp("got") / "c")
    return json.loads((folder / "spec.json").read_text())["decoder"]


def test_mirror__readings_upside_down__have_the_mirrored_features():
    f = 50 + np.cumsum(np.random.default_rng(0).normal(0, 0.03, (20, 10)), axis=1)
    nominal = np.full(20, 50.0)
    np.testing.assert_allclose(
        sequence(100 - f, nominal), sequence(f, nominal) * module._mirror(), atol=1e-12
    )


def test_decode__change__gives_the_frequency_the_score_and_the_trend(decoder):
    readings = 49.9 + np.linspace(0, 0.09, 10)
    steps = sequence(readings[None], np.array([50.0]))
    columns = dict(zip((*SEQUENCE_NAMES, "f_mean_hz"), (*steps.T, [readings.mean()]), strict=True))
    columns = {name: np.asarray(values) for name, values in columns.items()}
    (answer,) = DEFINITION.decode(decoder, np.array([[-0.05]]), columns)
    assert answer["predicted_frequency"] == pytest.approx(49.94)
    assert answer["stability_score"] == pytest.approx(100 * (1 - 0.06 / 0.5) * (1 - 0.05 / 2.5))
    assert answer["trend"] == "decreasing"


def test_decode__held_out_rows__is_what_serving_decodes(pool, decoder):
    rows = pool.split(2)
    X = rows.inputs(DEFINITION.features)
    raw = np.random.default_rng(1).normal(0, 0.05, (len(rows), 1))
    expected = DEFINITION.decode(decoder, raw, dict(zip(DEFINITION.features, X.T, strict=True)))
    decode = build_decoder(NAME, decoder, DEFINITION.features, "1")
    for served, answer in zip(decode(raw, X), expected, strict=True):
        assert served.predicted_frequency == pytest.approx(answer["predicted_frequency"], abs=1e-12)
        assert served.stability_score == pytest.approx(answer["stability_score"], abs=1e-9)
        assert served.trend == answer["trend"]


def test_opponents__straddling_rows__are_not_what_the_ridge_is_fitted_on(pool):
    train, validation, test = (pool.split(which) for which in range(3))
    spoiled = dict(train.truth)
    spoiled["change_hz"] = np.where(train.truth["straddle"], 99.0, train.truth["change_hz"])
    other = train.__class__(**{**{f: getattr(train, f) for f in train.__slots__}, "truth": spoiled})
    for name in ("ridge", "ridge_quiet", "ridge_onset"):
        one = DEFINITION.opponent(name, train, validation, test)["absolute_mhz"]
        again = DEFINITION.opponent(name, other, validation, test)["absolute_mhz"]
        np.testing.assert_array_equal(one, again)


def test_opponents__no_onset_to_learn_from__expect_no_change_after_one(pool):
    train, validation, test = (pool.split(which) for which in range(3))
    quiet = train.select(np.asarray(train.truth["quiet"], dtype=bool))
    still = DEFINITION.opponent("persistence", train, validation, test)["absolute_mhz"]
    answer = DEFINITION.opponent("ridge_onset", quiet, validation, test)["absolute_mhz"]
    np.testing.assert_array_equal(answer, still)


def test_train__synthetic_campaign__foresees_better_than_persistence_after_an_onset(trained):
    figures = {
        row.metric: row for row in trained[NAME].rows if (row.substation, row.slice) == ("training", "all")
    }
    # Forty short-lived episodes: enough to see that the forecast has learned, not how good it can be.
    assert figures["skill"].value > 0
    assert figures["onset_mae_mhz"].value < 0.9 * figures["straddle_mae_mhz"].value
    assert {"skill.ridge_quiet", "skill.ridge_onset"} <= set(figures)
    assert trained[NAME].footprint.one_row_us < 1000
