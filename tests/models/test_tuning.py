import numpy as np
import pytest

from models import tuning
from models.catalogue import definition
from models.pool import load
from models.splits import TRAIN
from models.subsets import spread
from switchyard.home import Home

KEY = "t" * 64
SIZES = {"draw": "7", "fold_count": 3, "most": 800}


@pytest.fixture(scope="module")
def train(profile, folders):
    return load(definition("phase_imbalance"), profile, folders).split(TRAIN)


def run(train, home, trials):
    return tuning.tune(
        definition("phase_imbalance"),
        train,
        home=home,
        key=KEY,
        draw="7",
        trials=trials,
        fold_count=3,
        most=800,
    )


class Killed(BaseException):
    """Stands for a signal that no handler sees."""


def test_tune__killed_in_a_trial_and_started_again__ends_where_an_uninterrupted_study_does(
    train, tmp_path, monkeypatch
):
    straight = run(train, Home(tmp_path / "a"), 4)
    declared = type(definition("phase_imbalance"))
    original = declared.score
    calls = []

    def score(self, fitted, rows):
        calls.append(1)
        if len(calls) == 8:  # in the third trial
            raise Killed
        return original(self, fitted, rows)

    monkeypatch.setattr(declared, "score", score)
    home = Home(tmp_path / "b")
    with pytest.raises(Killed):
        run(train, home, 4)
    resumed = run(train, home, 4)
    assert [trial.params for trial in resumed.trials] == [trial.params for trial in straight.trials]
    assert [trial.value for trial in resumed.trials] == [trial.value for trial in straight.trials]
    assert resumed.params == straight.params


def test_tune__more_trials_later__go_on_with_the_same_study_and_fewer_look_at_its_start(train, tmp_path):
    straight = run(train, Home(tmp_path / "a"), 4)
    home = Home(tmp_path / "b")
    first = run(train, home, 2)
    whole = run(train, home, 4)
    assert [trial.params for trial in whole.trials] == [trial.params for trial in straight.trials]
    again = run(train, home, 2)
    assert again.params == first.params
    assert again.trials == first.trials
    assert len(again.study.trials) == 2
    assert len(list(home.optuna.iterdir())) == 1


def test_tune__other_code_and_data__draws_the_same_trials(train, tmp_path):
    def drawn(key):
        found = tuning.tune(
            definition("phase_imbalance"), train, home=Home(tmp_path), key=key, trials=3, **SIZES,
        )  # fmt: skip
        return [(trial.params, trial.value) for trial in found.trials]

    assert drawn("1" * 64) == drawn("2" * 64)


def test_tune__report__is_told_of_every_trial_of_finished_ones_too(train, tmp_path):
    home = Home(tmp_path)
    told = []

    def go(trials):
        told.clear()
        tuning.tune(
            definition("phase_imbalance"), train, home=home, key=KEY, trials=trials, **SIZES,
            report=told.append,
        )  # fmt: skip
        return [record.number for record in told]

    assert go(2) == [0, 1]
    assert go(3) == [0, 1, 2]
    assert go(1) == [0]


def test_tune__trial_zero__has_the_defaults(train, tmp_path):
    tuned = run(train, Home(tmp_path), 1)
    assert tuned.trials[0].params == dict(definition("phase_imbalance").defaults)
    assert len(tuned.trials[0].folds) == 3
    assert tuned.trials[0].value == pytest.approx(np.mean(tuned.trials[0].folds))


def test_spread__more_rows_than_wanted__takes_as_many_of_every_episode(train):
    episodes = np.unique(train.episode.codes)
    some = spread(train, 2 * episodes.size, np.random.default_rng(0))
    assert len(some) <= 2 * episodes.size
    assert set(some.episode.codes) == set(episodes)
    whole, taken = np.bincount(train.episode.codes), np.bincount(some.episode.codes)
    k = taken.max()
    np.testing.assert_array_equal(taken, np.minimum(whole, k))
    assert k >= 2


def test_spread__fewer_rows_than_wanted__leaves_them_as_they_are(train):
    assert spread(train, len(train), np.random.default_rng(0)) is train


def test_subset__voltage_anomaly__is_half_normal_and_has_every_kind(profile, folders):
    declared = definition("voltage_anomaly")
    rows = load(declared, profile, folders).split(TRAIN)
    some = declared.subset(rows, 1600, np.random.default_rng(0))
    kind = some.truth["kind"]
    assert (kind == 0).sum() == pytest.approx(800, abs=60)
    assert (np.bincount(kind, minlength=9) > 0).all()
    assert len(some) <= 1600
