"""Finding and reading descriptions."""

import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import substations
from substations import SubstationError
from switchyard.errors import ConfigurationError
from switchyard.settings import get_settings


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """A folder of one's own substations, as the setting names it."""
    monkeypatch.setenv("SWITCHYARD_SUBSTATIONS_DIR", str(tmp_path))
    get_settings.cache_clear()
    yield tmp_path
    get_settings.cache_clear()


def test_names__nothing_set__are_the_four_shipped():
    assert substations.names() == ["bangalore", "chennai", "delhi", "mumbai"]


def test_names__own_folder_set__own_stands_beside_the_shipped(own_folder):
    shutil.copytree(substations.folder("mumbai"), own_folder / "pune")
    yaml = own_folder / "pune" / "substation.yaml"
    yaml.write_text(yaml.read_text().replace("name: mumbai", "name: pune"))

    assert "pune" in substations.names()
    assert substations.folder("pune") == own_folder / "pune"
    assert substations.read("pune").name == "pune"
    assert substations.check(substations.read("pune")).residual_p_pu < 1e-6


def test_names__own_folder_missing__names_the_variable(own_folder):
    own_folder.rmdir()
    with pytest.raises(ConfigurationError, match="SWITCHYARD_SUBSTATIONS_DIR"):
        substations.names()


def test_folder__misspelt_name__suggests_the_nearest():
    with pytest.raises(ConfigurationError, match="did you mean mumbai"):
        substations.folder("mumbay")


def test_read__path_given__reads_that_folder(edited):
    folder = edited(yaml=(("title: Mumbai\n", "title: Elsewhere\n"),))
    assert substations.read(folder).title == "Elsewhere"
    assert substations.read(str(folder)) == substations.read(folder)


def test_read__missing_file__names_the_file(edited):
    folder = edited()
    (folder / "circuit.dss").unlink()
    with pytest.raises(SubstationError, match=r"circuit\.dss: the file is missing") as caught:
        substations.read(folder)
    assert caught.value.file == folder / "circuit.dss"
    assert "substation.yaml and circuit.dss" in caught.value.remedy


def test_read__any_byte_of_either_file_changed__digest_changes(edited):
    shipped = substations.read("mumbai")
    folder = edited()
    assert substations.read(folder).digest == shipped.digest
    with (folder / "circuit.dss").open("a") as file:
        file.write("// note\n")
    changed = substations.read(folder).digest
    assert changed != shipped.digest
    with (folder / "substation.yaml").open("a") as file:
        file.write("# note\n")
    assert substations.read(folder).digest not in {shipped.digest, changed}


def test_read__result__is_frozen_and_survives_pickling():
    substation = substations.read("delhi")
    with pytest.raises(AttributeError):
        substation.title = "other"
    assert pickle.loads(pickle.dumps(substation)) == substation


@pytest.mark.parametrize(
    ("old", "new", "key", "problem", "remedy"),
    [
        ("climate: {mean_c", "climate: {mean", "climate.mean", "unknown key", "did you mean mean_c"),
        ("    base_mw: 95", "    base_mw: much", "feeders[F221].base_mw", "'much'", "correct"),
        ("    base_mw: 95\n", "", "feeders[F221].base_mw", "missing", "add it"),
        ("    base_mw: 95\n", "    base_mw: .nan\n", "feeders[F221].base_mw", "nan", "number"),
        ("country: IN", "country: IN\ncountry: IN", "line 6", "given twice", "correct the line"),
        ("country: IN", "country: IN: x", "line 5", "not valid YAML", "correct the line"),
        ("name: mumbai", "name: bombay", "name", "'bombay' differs from its folder", "same name"),
        ("frequency_hz: 50", "frequency_hz: 55", "frequency_hz", "55", "correct"),
        ("grid_bus: 2", "grid_bus: 39", "grid_bus", "39", "correct"),
        ("a: load.ld_f221_a", "a: load.LD_F221_A", "feeders[F221].loads.a", "LD_F221_A", "lower-case"),
        ("    bus: mv1\n", "    bus: mv11\n", "feeders[F221].bus", "mv11", "did you mean mv1"),
        ("    point: F221\n", "    point: F222\n", "feeders[F221].point", "measures bus mv2", "same bus"),
        ("    point: F221\n", "    point: F22l\n", "feeders[F221].point", "'F22l'", "did you mean F22"),
        ("{id: SR2, bus: mv2, element", "{id: SR1, bus: mv2, element", "reactors[SR1]", "twice", "rename"),
        ("b: load.ld_f221_b", "b: load.ld_f221_a", "feeders[F221].loads.b", "already belongs", "once"),
        ("    x_ht_pct: 45\n", "", "transformers[AT1].x_ht_pct", "missing for 3 windings", "with three"),
        ("commercial: 0.5, ", "commercial: 0.6, ", "feeders[F221].mix", "1.1", "shares"),
        ("  - nominal_kv: 220\n", "  - nominal_kv: 110\n", "limits", "no entry for 220 kV", "add"),
        (
            "a: 3150, ka: 40.0}",
            "a: 3150, ka: 25.0}",
            "assets[INF1.CB].ratings.ka",
            "25 kA is below",
            "breaker_ka",
        ),
    ],
)
def test_read__broken_entry__names_file_key_and_remedy(edited, old, new, key, problem, remedy):
    folder = edited(yaml=((old, new),))
    with pytest.raises(SubstationError) as caught:
        substations.read(folder)
    error = caught.value
    assert error.file == folder / "substation.yaml"
    assert error.key == key
    assert problem in error.problem
    assert remedy in error.remedy
    for part in (str(error.file), error.key, error.remedy):
        assert part in str(error)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("rated_mva: 315.0, ct_class: 0.2", "rated_mva: 500.0, ct_class: 0.2", "above 120 %"),
        ("ct_class: 0.5", "ct_class: 0.3", "0.3 is no accuracy class"),
        ("nominal_kv: 400, rated_a: 1600", "nominal_kv: 220, rated_a: 1600", "220 kV at bus"),
    ],
)
def test_read__implausible_point__is_refused(edited, field, value, problem):
    folder = edited(yaml=((field, value),))
    with pytest.raises(SubstationError, match=problem) as caught:
        substations.read(folder)
    assert caught.value.key.startswith("points[")


def test_lookup__misspelt_id__suggests_the_nearest():
    substation = substations.read("mumbai")
    assert substation.point("DTX1.LV").bus == "lv1"
    assert substation.feeder("F331").base_mw == 15
    assert substation.transformer("AT1").rated_mva == 315
    assert substation.bus("hv1").nominal_kv == 400
    with pytest.raises(SubstationError, match=r"points: no entry 'DTX1\.LX'.*did you mean DTX1\.LV"):
        substation.point("DTX1.LX")
    with pytest.raises(SubstationError, match="no entry for 132 kV"):
        substation.limit(132)


def test_import__without_an_engine__reads_all(tmp_path: Path):
    script = (
        "import sys, substations\n"
        "for name in substations.names(): substations.read(name)\n"
        "heavy = {'dss', 'altdss', 'pandas', 'scipy', 'pandapower', 'pyarrow'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_taps__position_and_ratio__are_inverse():
    taps = substations.read("mumbai").transformer("DTX1").taps
    assert taps is not None
    assert taps.ratio(1) == pytest.approx(0.9)
    assert taps.ratio(9) == pytest.approx(1.0)
    assert taps.ratio(17) == pytest.approx(1.1)
    assert [taps.position(taps.ratio(position)) for position in range(1, 18)] == list(range(1, 18))
    assert taps.position(2.0) == 17
