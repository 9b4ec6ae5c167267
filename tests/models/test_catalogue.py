import subprocess
import sys

import pytest

from data_contracts.answers import MODULES
from models.catalogue import CATALOGUE, NAMES, definition, entry
from models.errors import ModelError


def test_catalogue__sixteen_names__four_a_module():
    assert len(NAMES) == 16
    for module, names in MODULES.items():
        assert tuple(entry.name for entry in CATALOGUE if entry.module == module) == tuple(names)
        assert len(names) == 4


def test_definition__every_name__declares_itself_by_that_name():
    for name in NAMES:
        declared = definition(name)
        assert declared.name == name
        assert declared.module == entry(name).module


def test_definition__unknown_name__is_refused_and_those_there_are_listed():
    with pytest.raises(ModelError, match=r"'sag'.*phase_imbalance"):
        definition("sag")


def test_definitions__imported_in_a_fresh_process__load_no_training_library():
    code = (
        "import sys; from models.catalogue import definition, NAMES; [definition(n) for n in NAMES];"
        "print([m for m in ('mlflow','sklearn','optuna','onnx','onnxruntime','pandas','matplotlib','pyarrow')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
