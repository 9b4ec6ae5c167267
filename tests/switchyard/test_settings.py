import pytest

from switchyard.errors import ConfigurationError
from switchyard.settings import get_settings


@pytest.fixture
def environment(monkeypatch):
    get_settings.cache_clear()
    yield monkeypatch
    monkeypatch.undo()
    get_settings.cache_clear()


def test_get_settings__environment__read_with_prefix(environment, tmp_path):
    environment.setenv("SWITCHYARD_HOME", str(tmp_path))
    environment.setenv("SWITCHYARD_SUBSTATIONS", "mumbai, delhi,")
    settings = get_settings()
    assert settings.folders.mlflow_uri == f"sqlite:///{tmp_path}/mlflow.db"
    assert settings.substations == ("mumbai", "delhi")


def test_get_settings__wrong_value__names_the_variable_and_the_value(environment):
    environment.setenv("SWITCHYARD_REJECT_SHARE", "1.5")
    with pytest.raises(ConfigurationError, match=r"SWITCHYARD_REJECT_SHARE = '1\.5'"):
        get_settings()
