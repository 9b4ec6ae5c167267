from pathlib import Path

import pytest

from studies.errors import StudyError
from studies.opendss.circuit import open_circuit
from studies.opendss.files import Links
from studies.opendss.powerflow import study


def test_study__names_in_another_case_and_backslashes__are_found(tmp_path: Path) -> None:
    folder = tmp_path / "Feeder"
    (folder / "Parts" / "Codes").mkdir(parents=True)
    (folder / "Parts" / "Codes" / "LineCodes.DSS").write_text(
        "new linecode.x nphases=3 r1=0.1 x1=0.3 units=km\n"
    )
    (folder / "Parts" / "lines.dss").write_text(
        "Redirect codes\\linecodes.dss ! relative to this file\n"
        "new line.l1 bus1=sourcebus bus2=b2 linecode=x length=1 units=km\n"
        "Redirect ..\\LOADS.DSS\n"
    )
    (folder / "Loads.dss").write_text("new load.l1 bus1=b2 kv=11 kw=100 pf=0.9\n")
    (folder / "Master.dss").write_text(
        "Clear\nNew Circuit.t basekv=11\n/* redirect nothing.dss */\nRedirect PARTS\\Lines.dss\n"
        "Set VoltageBases=[11]\nCalcV\nShow Voltages\n"
    )

    found = study(folder / "Master.dss")

    assert found.facts["converged"] is True
    assert found.facts["loads_kw"] == pytest.approx(100.0, rel=1e-4)
    # What the script shows is written elsewhere, not beside the circuit.
    assert sorted(path.name for path in folder.iterdir()) == ["Loads.dss", "Master.dss", "Parts"]


def test_study__compiled_from_another_folder__stays_in_that_folder(tmp_path: Path) -> None:
    (tmp_path / "Feeder").mkdir()
    (tmp_path / "Feeder" / "Master.dss").write_text("Clear\nNew Circuit.t basekv=11\nRedirect LOADS.dss\n")
    (tmp_path / "Feeder" / "Loads.dss").write_text("new load.a bus1=sourcebus kv=11 kw=10 pf=1\n")
    (tmp_path / "Feeder" / "More.dss").write_text("new load.b bus1=sourcebus kv=11 kw=20 pf=1\n")
    (tmp_path / "run.dss").write_text(
        "compile feeder/master.dss\nredirect more.DSS\nset voltagebases=[11]\ncalcv\n"
    )

    assert study(tmp_path / "run.dss").facts["loads_kw"] == pytest.approx(30.0, rel=1e-4)


def test_study__script_with_commands_for_a_window__prints_nothing_and_keeps_its_lines(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "main.dss").write_bytes(
        b"Clear\r\nNew Circuit.t basekv=11\r\nredirect more.dss\r\nHelp show\r\npanel\r\nsolve\r\n"
    )
    more = tmp_path / "more.dss"
    more.write_bytes(b"  help\r\n/* about\r\nhelp */\r\nnew load.a bus1=sourcebus kv=11 kw=10 pf=1\r\n")

    assert study(tmp_path / "main.dss").facts["loads_kw"] == pytest.approx(10.0, rel=1e-4)
    assert capfd.readouterr() == ("", "")
    more.write_bytes(b"help\r\nnew nothing.a\r\n")
    with pytest.raises(StudyError, match=r'more\.dss", line: 2'):
        study(tmp_path / "main.dss")


def test_links__two_files_that_differ_in_case__asks_for_the_right_name(tmp_path: Path) -> None:
    (tmp_path / "main.dss").write_text("redirect LINES.dss\n")
    for name in ("lines.dss", "Lines.dss"):
        (tmp_path / name).write_text("")
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    with pytest.raises(StudyError, match=r"may be Lines\.dss or lines\.dss"):
        Links(tmp_path / "main.dss", scratch)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("New Circuit.t basekv=11\nNew Lin.x bus1=a\n", r'"Lin" not found[^§]*main\.dss", line: 2\]'),
        (
            "New Circuit.t basekv=11\nNew Line.x bus1=sourcebus bus2=b linecode=none\n",
            r'"none" not found[^§]*main\.dss", line: 2\]',
        ),
        ("New Circuit.t basekv=11\nRedirect Gone.dss\n", r'not found: "Gone\.dss"\n[^§]*line: 2\]'),
        ("Clear\n", "defines no circuit"),
    ],
)
def test_open_circuit__does_not_compile__says_message_file_and_line(
    tmp_path: Path, script: str, says: str
) -> None:
    (tmp_path / "main.dss").write_text(script)

    with pytest.raises(StudyError, match=says), open_circuit(tmp_path / "main.dss"):
        pass


def test_open_circuit__error_in_a_redirected_file__names_that_file_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "main.dss").write_text("New Circuit.t basekv=11\nRedirect LINES.dss\n")
    (tmp_path / "Lines.dss").write_text("\nNew Line.x bus1=sourcebus bus2=b lenght=3\n")

    with pytest.raises(StudyError) as caught, open_circuit(tmp_path / "main.dss"):
        pass

    assert "lenght" in caught.value.message
    assert f'[file: "{tmp_path}/Lines.dss", line: 2]' in caught.value.message
    assert "switchyard-study" not in caught.value.message


def test_study__no_solution__says_so(tmp_path: Path) -> None:
    (tmp_path / "main.dss").write_text(
        "New Circuit.t basekv=11 z1=[1, 10] z0=[1, 10]\n"
        "New Load.l bus1=sourcebus kv=11 kw=90000 pf=0.9 vminpu=0.05 vlowpu=0.04\n"
        "set voltagebases=[11]\ncalcv\n"
    )

    with pytest.raises(StudyError, match="does not converge"):
        study(tmp_path / "main.dss")
