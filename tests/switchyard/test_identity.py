import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchyard.errors import UsageError
from switchyard.identity import ScenarioId

names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,12}", fullmatch=True)


@given(names, names, st.integers(0, 2**31), names, st.integers(0, 10**7))
def test_scenario_id__text_form__reads_back(substation, campaign, seed, kind, index):
    scenario = ScenarioId(substation, campaign, seed, kind, index)
    assert ScenarioId.parse(str(scenario)) == scenario


@pytest.mark.parametrize(
    "text", ["mumbai.quick.7.normal", "mumbai.quick.x.normal.1", "Mum.quick.7.normal.1", ""]
)
def test_parse__not_an_identifier__named_in_the_error(text):
    with pytest.raises(UsageError):
        ScenarioId.parse(text)


def test_generator__same_scenario__same_numbers_and_streams_differ():
    scenario = ScenarioId("mumbai", "quick", 7, "normal", 12)
    again = ScenarioId("mumbai", "quick", 7, "normal", 12)
    other = ScenarioId("mumbai", "quick", 7, "normal", 13)
    numbers = scenario.generator("load").random(4)
    assert np.array_equal(numbers, again.generator("load").random(4))
    assert not np.array_equal(numbers, scenario.generator("weather").random(4))
    assert not np.array_equal(numbers, other.generator("load").random(4))
