import pytest

from switchyard.errors import ConfigurationError
from switchyard.profiles import NAMES, load_profile


@pytest.mark.parametrize("name", NAMES)
def test_load_profile__shipped__reads_and_names_its_datasets(name):
    profile = load_profile(name)
    assert profile.name == name
    assert profile.dataset("mumbai") == f"{name}.mumbai"
    assert set(profile.federation.models) <= set(profile.models)


def test_load_profile__unknown__names_the_choices():
    with pytest.raises(ConfigurationError, match=r"'huge'.*tiny, quick, full"):
        load_profile("huge")


def _edited(tmp_path, old, new):
    from importlib import resources

    text = resources.files("switchyard").joinpath("profiles/tiny.yaml").read_text()
    assert old in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(old, new))
    return str(path)


def test_load_profile__own_file__read(tmp_path):
    assert load_profile(_edited(tmp_path, "name: tiny", "name: mine")).name == "mine"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("grid_hours: 12", "grid_hour: 12", "grid_hour"),
        ("folds: 3", "folds: many", "folds"),
        ("held_out: []", "held_out: [delhi]", "delhi cannot be both"),
        ("trials: {phase_imbalance: 3, ", "trials: {", "lacks phase_imbalance"),
        ("federation: {models: [phase_imbalance", "federation: {models: [voltage_sag", "voltage_sag"),
        ("training: [mumbai, delhi]", "training: []", "training is empty"),
    ],
)
def test_load_profile__wrong_value__names_file_and_key(tmp_path, old, new, said):
    path = _edited(tmp_path, old, new)
    with pytest.raises(ConfigurationError) as caught:
        load_profile(path)
    assert path in str(caught.value)
    assert said in str(caught.value)
