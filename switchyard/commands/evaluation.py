"""How good the trained models are: evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from switchyard.commands.shared import common
from switchyard.screen import brief, show, table

if TYPE_CHECKING:
    from models.reports import Training
    from switchyard.profiles import Profile

EXAMPLES = """\b
Examples:
  switchyard evaluate                            one line a model
  switchyard evaluate voltage_sag                its bars, what it is beside, where not to trust it
  switchyard evaluate voltage_sag --all-slices   and every figure by substation and kind of episode
  switchyard evaluate --profile full --json      the bars of another profile, for a program
  switchyard evaluate load_forecast --dataset city
                                                 on the test days of measured tables, beside its opponents
"""


@click.command(epilog=EXAMPLES)
@click.argument("model", required=False)
@click.option("--all-slices", is_flag=True, help="Every substation and scenario kind, not only the bars.")
@click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV file of measured frequency, a row a second: how frequency_stability does on it.",
)
@click.option("--dataset", help="Dataset of measured tables: MODEL beside its opponents on its test days.")
@click.option("--version", type=click.IntRange(min=1), help="Version to judge on the dataset.")
@click.option("--time", default="", help="Column of times in that file; found by itself otherwise.")
@click.option("--frequency", default="", help="Column of frequencies in that file; found otherwise.")
@common
def evaluate(model: str | None, all_slices: bool, data: Path | None, as_json: bool, **named: Any) -> None:
    """Show how good MODEL (or every model) of a profile is, beside its opponents and the best possible.

    MODEL is a registered name: voltage_sag, or voltage_sag.delhi for a substation's own. Figures are of test
    days that no model has learnt from; the profile is that of --profile.
    """
    dataset, version = named.pop("dataset"), named.pop("version")
    if dataset is not None:
        _evaluate_on_dataset(model, dataset, version, as_json)
        return
    if data is not None:
        _evaluate_recording(model, data, named, as_json)
        return
    from models import reports
    from models.catalogue import entry
    from switchyard.errors import SwitchyardError
    from switchyard.profiles import load_profile
    from switchyard.settings import get_settings

    if model is not None:
        entry(model.partition(".")[0])
    settings = get_settings()
    profile = load_profile(settings.profile)
    known = reports.read(settings.folders)
    chosen = [one for one in known if one.profile == profile.name and model in {None, one.model}]
    if not chosen:
        written = settings.folders.reports / f"federation-{model}.md"
        if model is not None and written.exists():
            raise SwitchyardError(
                f"{model} was federated over measured datasets, which no profile's report holds",
                f"its figures at every site are in {written}",
            )
        name, _, place = (model or "").partition(".")
        if place and (settings.folders.dataset(place) / "manifest.json").exists():
            raise SwitchyardError(
                f"{model} learnt from measured tables, which no profile's report holds",
                f"switchyard evaluate {name} --dataset {place}",
            )
        there = ", ".join(sorted({one.profile for one in known if model in {None, one.model}}))
        what = model or "nothing"
        raise SwitchyardError(
            f"{what} has been trained here with profile {there}, not with {profile.name}"
            if there and model
            else f"nothing has been trained here with profile {profile.name}, only with {there}"
            if there
            else f"{model} has not been trained here"
            if model
            else f"{settings.folders.reports / reports.JSON_NAME}: nothing has been trained here",
            f"switchyard evaluate --profile {there.partition(',')[0]}" if there else "switchyard train",
        )
    rows = [row for one in chosen for row in one.rows if all_slices or row.met is not None]

    def text(_: Any) -> None:
        if model is None:
            _show_all(chosen, profile)
            others = sorted({one.profile for one in known} - {profile.name})
            if others:
                click.echo(f"also trained here, with another profile: {', '.join(others)} (--profile)")
        for one in chosen if model is not None or all_slices else ():
            _show_one(one, profile, all_slices=all_slices)

    import msgspec

    show(msgspec.to_builtins(rows), as_json, text)


def _show_all(trainings: Sequence[Training], profile: Profile) -> None:
    """One line a model, then where the report is."""
    from models.reports import about, standing_of

    stand = [standing_of(one, profile) for one in trainings]
    table(
        about(profile, trainings),
        ["model", "verdict", "figure", "beside", "never seen"],
        [
            [
                one.model,
                one.verdict,
                f"{one.figure} {one.what}",
                one.strongest,
                one.held_out.partition(" (")[0],
            ]
            for one in stand
        ],
    )
    met = sum(one.met for one in stand)
    click.echo(f"{met} of {len(stand)} meet all their bars; more on one: switchyard evaluate MODEL")


def _show_one(training: Training, profile: Profile, *, all_slices: bool) -> None:
    """One model's section of the report, and every figure where they are asked for."""
    from models.reports import about, standing_of, told

    one = standing_of(training, profile)
    click.echo(f"\n{one.model}: {one.purpose} {one.verdict.capitalize()}.")
    version = training.footprint.version
    what = "not registered" if version is None else f"version {version}"
    click.echo(f"{what}; {about(profile, [training])}\n")
    for line in told(one, profile):
        click.echo(f"  {line.replace('**', '')}")
    table(
        "",
        ["figure", "of what", "asked for", "met", "never seen"],
        [[bar.figure, bar.what, bar.asked, "yes" if bar.met else "no", bar.held_out] for bar in one.bars],
    )
    if all_slices:
        columns = ["substation", "slice", "metric", "figure", "95 %", "best opponent", "tree3", "oracle"]
        table(f"{one.model}: every figure", columns, [_figures(row) for row in training.rows])


def _figures(row: Any) -> list[str]:
    known = row.low is not None and row.high is not None
    opponent = "" if row.opponent_value is None else f"{brief(row.opponent_value)} ({row.opponent})"
    return [
        row.substation,
        row.slice,
        f"{row.metric} {'↑' if row.direction == 'higher' else '↓'}",
        _number(row.value),
        f"{brief(row.low)} to {brief(row.high)}" if known else "",
        opponent,
        _number(row.tree3),
        _number(row.oracle),
    ]


def _number(value: float | None) -> str:
    return "" if value is None else brief(value)


def _evaluate_recording(model: str | None, data: Path, named: dict[str, str], as_json: bool) -> None:
    from models import recording_report
    from switchyard.errors import UsageError
    from switchyard.profiles import load_profile
    from switchyard.settings import get_settings

    if model != recording_report.NAME:
        raise UsageError(
            f"--data is a recording for {recording_report.NAME}, not for {model or 'every model'}",
            f"switchyard evaluate {recording_report.NAME} --data {data}",
        )
    settings = get_settings()
    result = recording_report.evaluate(settings.folders, load_profile(settings.profile), data, **named)

    def text(found: dict[str, Any]) -> None:
        table(
            f"{data}: mean absolute error {found['horizon_s']} s ahead, mHz, over {found['windows']} seconds",
            ["forecast", "MAE", "low", "high"],
            [
                [row["forecast"], *(brief(row[c]) for c in ("mae_mhz", "low", "high"))]
                for row in found["forecasts"]
            ],
        )
        counts = ", ".join(f"{name} {found[name]}" for name in ("rows", "dropouts", "misplaced", "missing"))
        click.echo(f"{counts}; version {found['version']}")

    show(result, as_json, text)


def _evaluate_on_dataset(model: str | None, dataset: str, version: int | None, as_json: bool) -> None:
    import msgspec

    from flows.job import Job
    from flows.stages import observed
    from switchyard.errors import UsageError
    from switchyard.settings import get_settings

    if model is None:
        raise UsageError("--dataset is for one model", f"switchyard evaluate MODEL --dataset {dataset}")
    settings = get_settings()
    job = Job.of(settings.profile, str(settings.folders.root))
    report = msgspec.to_builtins(observed.evaluate(job, model, dataset, version))

    def text(found: dict[str, Any]) -> None:
        table(*observed.report_table(found))
        learnt = "has learnt from" if found["learnt"] else "has never seen"
        click.echo(f"{found['model']} version {found['version']} {learnt} this dataset; {found['split']}")

    show(report, as_json, text)
