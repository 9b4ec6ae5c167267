"""A request as a gateway would send it."""

import msgspec
import pytest

from data_contracts.facts import PointFacts
from data_contracts.wire import PointLimits, check, decode, pack


@pytest.fixture(scope="session")
def limits():
    return PointLimits.of(PointFacts(nominal_kv=33.0, rated_a=1000.0, rated_mva=50.0), 50.0)


def make_reading(second):
    return {
        "t": f"2026-01-05T08:00:{second:02d}.000Z",
        "v": [19010.2, 19044.8, 18981.0],
        "i": [410.1, 409.7, 411.2],
        "p": [-7.4e6, -7.4e6, -7.4e6],
        "q": [-2.4e6, -2.4e6, -2.4e6],
        "f": 50.012,
        "v_ll": [32950.1, 32961.7, 32903.2],
        "v_min": [18990.0, 19021.3, 18960.4],
        "v_max": [19030.2, 19061.0, 19002.8],
        "thd": [1.2, 1.3, 1.2],
        "pst": 0.4,
        "quality": "good",
    }


@pytest.fixture
def request_body():
    """A decoded JSON request that tests may spoil."""
    return {"substation": "mumbai", "point": "DTX1.LV", "readings": [make_reading(k) for k in range(10)]}


@pytest.fixture
def errors_of(limits):
    """Errors of a request that can be decoded."""

    def ask(body):
        item = decode(msgspec.json.encode(body))
        return check([item], pack([item]), [limits])[0]

    return ask
