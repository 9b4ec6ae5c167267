"""Load of a feeder a quarter of an hour, an hour and a day ahead."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from flows.difficulty.cases import Campaign, Cases, Floats, Ints, Target
from flows.difficulty.scores import weighted_percentage
from models import splits
from simulation.demand import expected_load

DAY, WEEK = 96, 672
STEP = 5
"""Every fifth quarter is a row: no period of the day or the week is a multiple of it."""

LAGS = (0, 1, 2, 3, 4, 8, 24, 48)


class LoadAhead(Target):
    """Active power of one feeder some quarters of an hour from now, in multiples of its base load."""

    tables = ("load",)
    task = "value"
    score = weighted_percentage()
    grouped = "day"
    oracle = "expectation that knows the weather to come and the stochastic terms of now"

    def __init__(self, name: str, title: str, ahead: int) -> None:
        self.name = name
        self.title = title
        self.ahead = ahead

    def read(self, campaign: Campaign) -> Cases | None:
        """Every fifth quarter of every feeder, from the second week on."""
        loads = campaign.loads
        if loads is None or loads.t.size < 3 * WEEK:
            return None
        at = np.arange(WEEK, loads.t.size - self.ahead, STEP)
        then, count = at + self.ahead, loads.p_w.shape[1]
        names = (campaign.profile.name, campaign.profile.seed)
        oracle = expected_load(campaign.substation, loads, *names, self.ahead)[at]
        base_w = np.array([feeder.base_mw * 1e6 for feeder in campaign.substation.feeders])
        weather = loads.weather
        whole: dict[str, Floats] = {
            "hour": loads.when.hour[then],
            "day_of_week": loads.when.day_of_week[then].astype(np.float64),
            "holiday": loads.when.holiday[then].astype(np.float64),
            "day_of_year": loads.when.day_of_year[then],
            "ambient_c": weather.ambient_c[at],
            "ghi_w_m2": weather.ghi_w_m2[at],
            "ambient_yesterday_c": weather.ambient_c[then - DAY],
            "ghi_yesterday_w_m2": weather.ghi_w_m2[then - DAY],
        }
        p_pu = loads.p_w / base_w
        own: dict[str, Floats] = {f"p_{lag}_pu": p_pu[at - lag] for lag in LAGS}
        own |= {
            "p_day_before_pu": p_pu[then - DAY],
            "p_week_before_pu": p_pu[then - WEEK],
            "feeder": np.broadcast_to(np.arange(float(count)), (at.size, count)),
        }
        columns = [np.repeat(values, count) for values in whole.values()]
        columns += [values.ravel() for values in own.values()]
        offset_s = campaign.substation.utc_offset_s
        day = np.repeat(
            splits.day_of(loads.t[at].astype(np.float64), campaign.start, offset_s),
            count,
        )
        now, day_before, week_before = (p_pu[place].ravel() for place in (at, then - DAY, then - WEEK))
        return Cases(
            columns=(*whole, *own),
            X=np.stack(columns, axis=1),
            y=p_pu[then].ravel(),
            group=day,
            split=splits.split_of_day(day),
            opponents={
                "present load": said(now),
                "a day before": said(day_before),
                "a week before": said(week_before),
            },
            oracle=(oracle / base_w).ravel(),
            base=day_before if self.ahead >= DAY else now,
        )


def said(values: Floats) -> Callable[[Ints], Floats]:
    """An opponent that needs no training."""

    def answer(train: Ints) -> Floats:
        del train
        return values

    return answer


TARGETS = (
    LoadAhead("load_15min", "Load of a feeder 15 min ahead", 1),
    LoadAhead("load_1h", "Load of a feeder 1 h ahead", 4),
    LoadAhead("load_24h", "Load of a feeder 24 h ahead", DAY),
)
