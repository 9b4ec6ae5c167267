"""The client's types are those of the contract."""

from typing import get_type_hints

from data_contracts.answers import ANSWERS, MODULES, fields
from serving import client_types
from switchyard.client import answers


def test_types__on_disk__are_the_generated_ones(tmp_path):
    assert client_types.PAGE.read_text() == client_types.text()
    stale = tmp_path / "answers.py"
    stale.write_text(client_types.text().replace("Mumbai", "") + "\n")
    assert client_types.main(["--check"], stale) == 1
    assert client_types.main([], stale) == 0
    assert client_types.main(["--check"], stale) == 0


def test_types__every_output_of_every_model__is_there():
    response = get_type_hints(answers.Response)
    for module, models in MODULES.items():
        for model in models:
            kind = get_type_hints(get_type_hints(response[module])[model])
            assert {field.name for field in fields(model)} < set(kind)
            assert get_type_hints(getattr(answers, ANSWERS[model].__name__))["status"]
    assert set(answers.HorizonValues.__annotations__) == {"15min", "1h", "24h"}
