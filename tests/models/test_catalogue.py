import subprocess
import sys
from dataclasses import replace

import pytest

from data_contracts.answers import MODULES
from models.catalogue import CATALOGUE, DEFINED, NAMES, definition, entry
from models.errors import ModelError


def test_catalogue__sixteen_names__four_a_module():
    assert len(NAMES) == 16
    for module, names in MODULES.items():
        assert tuple(entry.name for entry in CATALOGUE if entry.module == module) == tuple(names)
        assert len(names) == 4


def test_definition__every_defined_name__declares_itself_by_that_name():
    for name in DEFINED:
        declared = definition(name)
        assert declared.name == name
        assert declared.module == entry(name).module


def test_defined__sixteen_names__all_of_them():
    assert DEFINED == NAMES


def test_definition__name_without_one__lists_those_that_have(monkeypatch):
    without = tuple(replace(one, place="") if one.name == "grid_stability" else one for one in CATALOGUE)
    monkeypatch.setattr("models.catalogue.CATALOGUE", without)
    with pytest.raises(ModelError, match=r"grid_stability.*phase_imbalance"):
        definition("grid_stability")


def test_entry__unknown_name__is_refused():
    with pytest.raises(ModelError, match="'sag'"):
        entry("sag")


def test_definitions__imported_in_a_fresh_process__load_no_training_library():
    code = (
        "import sys; from models.catalogue import definition, DEFINED; [definition(n) for n in DEFINED];"
        "print([m for m in ('mlflow','sklearn','optuna','onnx','onnxruntime','pandas','matplotlib','pyarrow')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
