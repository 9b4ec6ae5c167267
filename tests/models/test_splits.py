from datetime import date

import numpy as np
import pytest

from models.errors import DataError
from models.rows import Names
from models.splits import day_of, folds, scheme, split_of_day, split_of_episodes, start_of

# 1 January 2025 in Mumbai begins at 18:30 UTC the evening before.
MIDNIGHT = 1735669800.0
IST = 19800


def test_split_of_day__twenty_days__are_fourteen_three_three():
    assert split_of_day(np.arange(20)).tolist() == [0] * 14 + [1] * 3 + [2] * 3
    assert split_of_day(np.array([33, 34, 37])).tolist() == [0, 1, 2]


def test_start_of__a_versions_tag__gives_the_start_back_unless_days_were_split_otherwise():
    assert start_of(scheme(date(2025, 1, 1))) == date(2025, 1, 1)
    for said in ("", "7+1 of 10 days from 2025-01-01"):
        assert start_of(said) is None


def test_day_of__last_second_before_midnight__belongs_to_the_day_before():
    days = day_of(np.array([MIDNIGHT, MIDNIGHT - 1, MIDNIGHT + 86400]), date(2025, 1, 1), IST)
    assert days.tolist() == [0, -1, 1]


def test_split_of_episodes__windows_on_both_sides_of_midnight__stay_together():
    t = np.array([MIDNIGHT + 14 * 86400 - 5, MIDNIGHT + 14 * 86400 + 5])
    split = split_of_episodes(t, np.array([0, 0]), date(2025, 1, 1), IST)
    assert split.tolist() == [0, 0]


def test_folds__rows_of_one_episode__are_never_on_both_sides():
    episode = Names(np.repeat(np.arange(17), 4), tuple(f"e{at}" for at in range(17)))
    held_out_rows = []
    for fitting, held_out in folds(episode, 5, np.random.default_rng(0)):
        assert not set(episode.codes[fitting]) & set(episode.codes[held_out])
        held_out_rows.extend(held_out)
    assert sorted(held_out_rows) == list(range(68))


def test_folds__fewer_episodes_than_folds__says_what_to_change():
    with pytest.raises(DataError, match=r"3 folds.*tuning\.folds"):
        list(folds(Names(np.array([0, 1]), ("a", "b")), 3, np.random.default_rng(0)))
