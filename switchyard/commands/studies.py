"""Studies of any network: study powerflow, faults, harmonics, contingency, opf, timeseries."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from switchyard.commands.shared import common
from switchyard.commands.study_source import OPENDSS, PANDAPOWER, Source, source_of
from switchyard.screen import brief, show, table

if TYPE_CHECKING:
    from studies.opendss.judged import Voltages
    from studies.result import Study, Table

R = TypeVar("R")

EXAMPLES = """\b
Examples:
  switchyard study powerflow --circuit feeder/Master.dss
  switchyard study faults --circuit feeder/Master.dss --type LG --r-ohm 5 --out faults.parquet
  switchyard study faults --network grid.json --iec60909
  switchyard study harmonics --circuit feeder/Master.dss --order 5 --order 7
  switchyard study contingency --network grid.json --element line
  switchyard study contingency --network grid.json --solver opendss
  switchyard study opf --network grid.json --json
  switchyard study timeseries --circuit feeder/Master.dss --profile-file day.csv
"""

_FILE = click.Path(path_type=Path)
_SOLVERS = (OPENDSS, PANDAPOWER)


@click.group(epilog=EXAMPLES)
def study() -> None:
    """Study a circuit or network of your own; nothing of it needs to be described to Switchyard.

    A circuit is an OpenDSS script with whatever it redirects to; a network is what pandapower's to_json
    writes. Results are shown as tables; --out writes all of them to files.
    """


def _studied(*solvers: str) -> Callable[[Callable[..., Study]], Callable[..., None]]:
    """Options that all studies have; the wrapped function returns the study."""

    def decorate(command: Callable[..., Study]) -> Callable[..., None]:
        @click.option("--circuit", type=_FILE, help="OpenDSS script.")
        @click.option("--network", type=_FILE, help="pandapower network (JSON).")
        @click.option(
            "--solver",
            type=click.Choice(_SOLVERS),
            help="Engine; the file's own. The other gets it converted.",
        )
        @click.option("--out", type=_FILE, help="Write the results: FILE.parquet, FILE.csv or FILE.json.")
        @click.option(
            "--rows", type=click.IntRange(1), default=20, show_default=True, help="Rows shown a table."
        )
        @common
        @functools.wraps(command)
        def wrapped(
            *,
            circuit: Path | None,
            network: Path | None,
            solver: str | None,
            out: Path | None,
            rows: int,
            as_json: bool,
            **rest: Any,
        ) -> None:
            from studies.output import check_suffix, document, write

            if out is not None:
                check_suffix(out)
            study_name = click.get_current_context().command.name or ""
            with source_of(study_name, circuit, network, solver, solvers) as source:
                found = source.told(command(source=source, **rest))
            written = [] if out is None else write(found, out)
            show(
                document(found) if as_json else None,
                as_json,
                lambda _: _text(found, rows, [str(path) for path in written]),
            )

        return wrapped

    return decorate


def _text(found: Study, rows: int, written: list[str]) -> None:
    table(
        f"{found.kind}: {found.engine}",
        ["", ""],
        [
            [name.replace("_", " "), "" if value is None else brief(value)]
            for name, value in found.facts.items()
        ],
    )
    for one in found.tables:
        _show_table(one, rows)
    for note in found.notes:
        click.echo(f"note: {note}")
    for path in written:
        click.echo(f"written: {path}")
    if not written and any(len(one) > rows for one in found.tables):
        click.echo("all rows: --out FILE.parquet, FILE.csv or FILE.json")


def _show_table(one: Table, rows: int) -> None:
    columns = one.shown or tuple(one.columns)
    lines = [
        ["" if value is None else brief(value) for value in record.values()]
        for record in one.records(columns, rows)
    ]
    more = f" (the first {rows} of {len(one):,})" if len(one) > rows else ""
    table(f"{one.title}{more}", list(columns), lines)


def _controls(command: Callable[..., R]) -> Callable[..., R]:
    """Whether regulators of a circuit act."""
    return click.option(
        "--controls/--no-controls",
        default=True,
        help="Let a circuit's regulators and capacitor controls act.",
    )(command)


def _tolerance(command: Callable[..., R]) -> Callable[..., R]:
    return click.option(
        "--tolerance",
        type=click.FloatRange(min=0.0, min_open=True),
        help="Of the power flow: pu of a voltage (OpenDSS, 1e-6) or MVA of a bus (pandapower, 1e-8).",
    )(command)


def _given(**values: Any) -> dict[str, Any]:
    """Those that are given; the study's own defaults stand for the others."""
    return {name: value for name, value in values.items() if value is not None}


def _only(source: Source, solver: str, **options: Any) -> None:
    """Refuse options that the file's solver does not know."""
    from switchyard.errors import UsageError

    if source.solver != solver and (named := [name for name, value in options.items() if value]):
        raise UsageError(f"--{named[0].replace('_', '-')} is for {solver}", "leave it out")


def _progress(done: int, of: int) -> None:
    """A line every tenth of the way, where there is a long way."""
    if of >= 50 and (done % max(of // 10, 1) == 0 or done == of):
        click.echo(f"{done} of {of}", err=True)


@study.command()
@click.option("--three-phase/--balanced", default=None, help="pandapower: phase by phase; told by the loads.")
@_controls
@_tolerance
@_studied(OPENDSS, PANDAPOWER)
def powerflow(source: Source, three_phase: bool | None, controls: bool, tolerance: float | None) -> Study:
    """Voltages of every node, flows and loading of every branch, losses."""
    if source.solver == PANDAPOWER:
        from studies.pandapower import powerflow as of_network

        file = source.ready(controls=controls)
        return of_network.study(file, **_given(three_phase=three_phase, tolerance=tolerance))
    from studies.opendss import powerflow as of_circuit

    _only(source, PANDAPOWER, three_phase=three_phase)
    return of_circuit.study(source.ready(), controls=controls, **_given(tolerance=tolerance))


@study.command()
@click.option(
    "--type", "kinds", multiple=True, type=click.Choice(["LLL", "LG", "LL", "LLG"]), help="Again for more."
)
@click.option("--bus", "buses", multiple=True, help="Bus to strike; again for more, all otherwise.")
@click.option(
    "--r-ohm", type=click.FloatRange(min=0.0), default=0.0, show_default=True, help="Fault resistance."
)
@click.option("--x-ohm", type=float, default=0.0, show_default=True, help="Fault reactance.")
@click.option(
    "--iec60909", is_flag=True, help="pandapower: currents by IEC 60909, which is what it calculates."
)
@click.option(
    "--case", type=click.Choice(["max", "min"]), default="max", show_default=True, help="IEC 60909."
)
@_controls
@_tolerance
@_studied(OPENDSS, PANDAPOWER)
def faults(
    *,
    source: Source,
    kinds: tuple[str, ...],
    buses: tuple[str, ...],
    r_ohm: float,
    x_ohm: float,
    iec60909: bool,
    case: str,
    controls: bool,
    tolerance: float | None,
) -> Study:
    """Fault currents of every bus and type, and the voltages that remain everywhere.

    LLL, LG and LLG join each faulted phase to earth through the fault's impedance, LL one phase to the other.
    """
    z_fault = complex(r_ohm, x_ohm)
    if source.solver == PANDAPOWER:
        from studies.pandapower import faults as of_network
        from switchyard.errors import UsageError

        if not iec60909:
            raise UsageError(
                "pandapower calculates faults by IEC 60909, from nominal and not from operating voltages",
                "add --iec60909, or --solver opendss",
            )
        file = source.ready(controls=controls)
        return of_network.study(
            file, kinds=kinds or None, buses=source.buses(buses), z_fault=z_fault, case=case
        )
    from studies.conversion.to_opendss.draft import Purpose
    from studies.faults import TYPES
    from studies.opendss import faults as of_circuit

    _only(source, PANDAPOWER, iec60909=iec60909)
    to_earth = {"LG", "LLG"} & set(kinds or TYPES)
    file = source.ready(Purpose.FAULTS_TO_EARTH if to_earth else Purpose.FAULTS_OF_PHASES)
    return of_circuit.study(
        file,
        kinds=kinds or TYPES,
        buses=source.buses(buses),
        z_fault=z_fault,
        controls=controls,
        **_given(tolerance=tolerance),
    )


@study.command()
@click.option(
    "--order", "orders", multiple=True, type=click.FloatRange(min=1.0, min_open=True),
    help="Order to solve; again for more, those of the spectra otherwise.",
)  # fmt: skip
@_controls
@_tolerance
@_studied(OPENDSS)
def harmonics(source: Source, orders: tuple[float, ...], controls: bool, tolerance: float | None) -> Study:
    """Harmonic voltages of every node and currents of every branch, with their total distortion."""
    from studies.opendss import harmonics as of_circuit
    from switchyard.errors import UsageError

    if source.scratch is not None:
        raise UsageError("a pandapower network holds no spectra of what distorts", "give --circuit FILE.dss")
    return of_circuit.study(source.file, orders=orders, controls=controls, **_given(tolerance=tolerance))


@study.command()
@click.option(
    "--element", "elements", multiple=True, help="Branch (line.x) or class (line) to take out; all otherwise."
)
@click.option("--v-min", type=float, default=0.95, show_default=True, help="Lowest permitted voltage, pu.")
@click.option("--v-max", type=float, default=1.05, show_default=True, help="Highest permitted voltage, pu.")
@click.option("--loading", type=float, default=100.0, show_default=True, help="Highest permitted loading, %.")
@click.option(
    "--voltages",
    type=click.Choice(["auto", "ll", "ln"]),
    help="OpenDSS: judge voltages between phases (ll) or to earth (ln); told by what ties each bus to earth.",
)
@_controls
@_tolerance
@_studied(OPENDSS, PANDAPOWER)
def contingency(
    *,
    source: Source,
    elements: tuple[str, ...],
    v_min: float,
    v_max: float,
    loading: float,
    voltages: Voltages | None,
    controls: bool,
    tolerance: float | None,
) -> Study:
    """Each branch out of service in turn (N-1): outages ranked by what they violate."""
    from studies.contingency import Limits

    file = source.ready(controls=controls)
    shared: dict[str, Any] = {
        "limits": Limits(v_min, v_max, loading),
        "elements": source.elements(elements),
        "progress": _progress,
    }
    if source.solver == PANDAPOWER:
        from studies.pandapower import contingency as of_network

        _only(source, OPENDSS, voltages=voltages)
        return of_network.study(file, **shared, **_given(tolerance=tolerance))
    from studies.opendss import contingency as of_circuit

    given = _given(voltages=voltages, tolerance=tolerance)
    return of_circuit.study(file, controls=controls, **shared, **given)


@study.command()
@click.option("--dc", is_flag=True, help="Lossless, without voltages and reactive power.")
@_studied(PANDAPOWER)
def opf(source: Source, dc: bool) -> Study:
    """The cheapest dispatch within all limits, with its cost and the price at every bus."""
    from studies.pandapower import opf as of_network
    from switchyard.errors import UsageError

    if source.scratch is not None:
        raise UsageError("a circuit holds neither costs nor limits of a dispatch", "give --network FILE.json")
    return of_network.study(source.file, dc=dc)


@study.command()
@click.option(
    "--mode", type=click.Choice(["daily", "yearly", "duty"]), help="OpenDSS: which of its load shapes."
)
@click.option("--steps", type=click.IntRange(1), help="OpenDSS: number of steps along them; 24.")
@click.option(
    "--minutes", type=click.FloatRange(min=0.0, min_open=True), help="OpenDSS: length of a step; 60."
)
@click.option(
    "--profile-file", "profile_file", type=_FILE, help="CSV: a row a step, columns load.NAME or load.*."
)
@_controls
@_tolerance
@_studied(OPENDSS, PANDAPOWER)
def timeseries(
    *,
    source: Source,
    mode: str | None,
    steps: int | None,
    minutes: float | None,
    profile_file: Path | None,
    controls: bool,
    tolerance: float | None,
) -> Study:
    """Step after step along load shapes of the circuit or multipliers of a profile."""
    from studies.profile import read_profile
    from switchyard.errors import UsageError

    profile = None if profile_file is None else read_profile(profile_file)
    along = _given(mode=mode, steps=steps, minutes=minutes)
    if profile is not None and along:
        raise UsageError(f"--{next(iter(along))} is for the circuit's own shapes", "leave out one of the two")
    if source.solver == PANDAPOWER:
        from studies.pandapower import timeseries as of_network

        if profile is None:
            raise UsageError("a pandapower network holds no profiles", "give --profile-file FILE.csv")
        file = source.ready(controls=controls)
        profile = source.profile(profile)
        return of_network.study(file, profile, progress=_progress, **_given(tolerance=tolerance))
    from studies.opendss import timeseries as of_circuit

    if profile is None and source.scratch is not None:
        raise UsageError("a pandapower network holds no profiles", "give --profile-file FILE.csv")
    file = source.ready()
    return of_circuit.study(
        file,
        profile=None if profile is None else source.profile(profile),
        controls=controls,
        progress=_progress,
        **along,
        **_given(tolerance=tolerance),
    )
