"""`reports/models.json` and `reports/trainings.json` for programs, `reports/models.md` for people.

A home may hold versions of several profiles: the JSON files have the newest of every name and profile, each
row with its profile; `models.md` is of the profile that was trained last, and `models.<profile>.md` of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from models.catalogue import definition
from models.evaluation import ReportRow
from models.standing import Judged, Standing, standing
from switchyard.files import read_json, write_json_atomic, write_text_atomic
from switchyard.home import Home
from switchyard.profiles import Profile

JSON_NAME = "models.json"
MARKDOWN_NAME = "models.md"
TRAININGS_NAME = "trainings.json"
HOW_TO_READ = (
    "Judged on simulated test days that no model has learnt from. Behind a figure, in brackets, is the range "
    "in which it lies with 95 % certainty, by resampling whole episodes. *Never seen* is a substation that "
    "none has learnt from. A bar is what a model must reach, set before it is trained; *surely better* means "
    "that the range of the difference leaves zero out. *Best possible* is what the simulator's own state "
    "would answer."
)
NO_FIGURE = "–"


class Footprint(msgspec.Struct, frozen=True):
    """What a compiled model costs, and how long its native library takes.

    Attributes:
        model: Name of the model.
        version: Its version; None where it is not registered.
        compiled_bytes: Size of the compiled graph.
        one_row_us: Time of one row by the compiled graph, µs.
        batch_row_us: Time of a row of a thousand by the compiled graph, µs.
        rows_trained: Training rows.
        windows_left_out: Windows that could not be used.
        native_row_us: Time of one row by the native library's `predict`, µs; None where there is no native
            estimator.
    """

    model: str
    version: int | None
    compiled_bytes: int
    one_row_us: float
    batch_row_us: float
    rows_trained: int
    windows_left_out: int
    native_row_us: float | None = None


class Training(msgspec.Struct, frozen=True):
    """One registered name as it was trained last with one profile.

    Attributes:
        model: Registered name.
        profile: Name of the profile.
        finished: When, ISO 8601 in UTC; empty where that is not known.
        seed: Seed of the campaign and of everything that is drawn; None where that is not known.
        datasets: Digest of each dataset's content, by dataset.
        footprint: What it costs to serve.
        rows: Its rows of the report.
    """

    model: str
    profile: str
    finished: str
    seed: int | None
    datasets: dict[str, str]
    footprint: Footprint
    rows: tuple[ReportRow, ...]


def write(home: Home, profile: Profile, trainings: Iterable[Training]) -> tuple[Path, Path]:
    """Write every report whole; returns the paths of `models.json` and `models.md`.

    Args:
        home: The installation's folders.
        profile: The profile that the pages are of.
        trainings: What is known of every name, of this profile and of others.
    """
    listed = list(trainings)
    json_path, page_path = home.reports / JSON_NAME, home.reports / MARKDOWN_NAME
    write_json_atomic(json_path, [msgspec.to_builtins(row) for one in listed for row in one.rows])
    write_json_atomic(home.reports / TRAININGS_NAME, [_without_rows(one) for one in listed])
    own = [one for one in listed if one.profile == profile.name]
    others = sorted({one.profile for one in listed} - {profile.name})
    page = markdown(profile, own, [name for name in others if page_of(home, name).exists()])
    write_text_atomic(page_of(home, profile.name), page)
    write_text_atomic(page_path, page)
    return json_path, page_path


def read(home: Home) -> tuple[Training, ...]:
    """What `write` wrote last; empty where nothing has been trained."""
    rows_path, path = home.reports / JSON_NAME, home.reports / TRAININGS_NAME
    if not rows_path.exists() or not path.exists():
        return ()
    rows: dict[tuple[str, str], list[dict[str, object]]] = {}
    for row in read_json(rows_path):
        rows.setdefault((row["model"], row["profile"]), []).append(row)
    return tuple(
        msgspec.convert({**one, "rows": rows.get((one["model"], one["profile"]), [])}, Training)
        for one in read_json(path)
    )


def page_of(home: Home, profile: str) -> Path:
    """Page of one profile."""
    return home.reports / f"models.{profile}.md"


def _without_rows(training: Training) -> dict[str, object]:
    return {name: value for name, value in msgspec.to_builtins(training).items() if name != "rows"}


def markdown(profile: Profile, trainings: Sequence[Training], others: Sequence[str] = ()) -> str:
    """The page: a summary of all models, then a section of each.

    Args:
        profile: What they were trained with.
        trainings: What is known of every name of that profile.
        others: Further profiles that have a page.
    """
    stand = {one.model: standing_of(one, profile) for one in trainings}
    lines = ["# Models", "", *_introduction(profile, trainings, others), "", "## Summary", ""]
    lines += _table(
        ("model", "for what", "figure", "beside what", "verdict"),
        [
            (
                f"[{name}](#{name.replace('.', '')})",
                one.purpose,
                f"**{one.figure}** {one.what}",
                "; ".join(part for part in (one.strongest, one.best.partition(" (")[0]) if part),
                one.verdict if one.met else f"**{one.verdict}**",
            )
            for name, one in stand.items()
        ],
    )
    for training in trainings:
        lines += _section(stand[training.model], training, profile)
    return "\n".join([*lines, *_data(trainings)]) + "\n"


def standing_of(training: Training, profile: Profile) -> Standing:
    """How one training stands."""
    declared = definition(training.model.partition(".")[0])
    return standing(training.model, declared, training.rows, _unseen(training.model, profile))


def _unseen(model: str, profile: Profile) -> tuple[str, ...]:
    """Substations of the profile from which a registered name is held out."""
    substation = model.partition(".")[2]
    return (profile.only(substation) if substation else profile).held_out


def about(profile: Profile, trainings: Sequence[Training]) -> str:
    """Which profile and seed, learnt where, and when, in one line."""
    seeds = sorted({one.seed for one in trainings if one.seed is not None})
    seed = f", seed {', '.join(map(str, seeds))}" if seeds else ""
    times = sorted(_when(one.finished) for one in trainings if one.finished)
    when = f"; trained {' to '.join(dict.fromkeys((times[0], times[-1])))} UTC" if times else ""
    unseen = f"; never seen: {_places(profile.held_out)}" if profile.held_out else ""
    return f"profile {profile.name}{seed}; learnt from {_places(profile.training)}{unseen}{when}"


def _introduction(profile: Profile, trainings: Sequence[Training], others: Sequence[str]) -> list[str]:
    told_of = about(profile, trainings)
    beside = "".join(f" Of profile {name}: [models.{name}.md](models.{name}.md)." for name in others)
    more = "is in [models.json](models.json); `switchyard evaluate MODEL --all-slices` shows it."
    return [
        f"{told_of[0].upper()}{told_of[1:]}.{beside}",
        "",
        HOW_TO_READ,
        "",
        f"Every figure, of each substation and kind of episode, {more}",
    ]


def _places(names: Sequence[str]) -> str:
    return ", ".join(map(str.capitalize, names))


def _when(finished: str) -> str:
    """A time as people write it, without its zone."""
    return f"{finished[:10]} {finished[11:16]}"


def _section(one: Standing, training: Training, profile: Profile) -> list[str]:
    _, _, substation = one.model.partition(".")
    own = f" Learnt from {substation.capitalize()} alone." if substation else ""
    lines = [
        "",
        f"## {one.model}",
        "",
        f"{one.purpose}{own} **{one.verdict.capitalize()}.**",
        "",
        *(f"- {line}" for line in told(one, profile)),
        "",
    ]
    if one.bars:
        unseen = any(bar.held_out for bar in one.bars)
        header = ("figure", "of what", "asked for", "met", *(("never seen",) if unseen else ()))
        lines += _table(header, [_bar(bar, unseen=unseen) for bar in one.bars])
    return [*lines, "", _cost(training.footprint)]


def told(one: Standing, profile: Profile) -> list[str]:
    """A standing as sentences: figure, what it is beside, never seen, missed bars, where not to trust it."""
    between = f" ({one.interval})" if one.interval else ""
    lines = [f"**How good:** {one.figure}{between} {one.what}."]
    beside = [part for part in (one.rival, one.tree, one.best) if part]
    if beside:
        lines.append(f"**Compared with:** {'; '.join(beside)}.")
    if one.held_out:
        rival = f"; {one.held_out_rival}" if one.held_out_rival else ""
        lines.append(
            f"**Where it was never trained ({_places(_unseen(one.model, profile))}):** {one.held_out}{rival}."
        )
    lines += [f"**Missed:** {bar.figure} {bar.what}; {bar.why}." for bar in one.bars if not bar.met]
    if one.doubts:
        lines.append(f"**Weakest:** {'; '.join(one.doubts)}.")
    return [*lines, f"**Do not trust it beyond this:** {one.limits}", f"**No answer** {one.silent}."]


def _bar(bar: Judged, *, unseen: bool) -> tuple[str, ...]:
    met = "yes" if bar.met else "**no**"
    return (bar.figure, bar.what, bar.asked, met, *((bar.held_out or NO_FIGURE,) if unseen else ()))


def _cost(cost: Footprint) -> str:
    version = "Not registered" if cost.version is None else f"Version {cost.version}"
    return (
        f"{version}; trained on {cost.rows_trained:,} windows, {cost.windows_left_out:,} left out for "
        f"want of a measured input or a defined truth; {cost.compiled_bytes / 1024:,.0f} KiB to serve, "
        f"{cost.one_row_us:,.0f} µs an answer."
    )


def _data(trainings: Sequence[Training]) -> list[str]:
    """What was learnt from and judged on, by digest."""
    names: dict[tuple[str, str], list[str]] = {}
    for one in trainings:
        for dataset, digest in one.datasets.items():
            names.setdefault((dataset, digest), []).append(one.model)
    if not names:
        return []
    return [
        "",
        "## Data",
        "",
        *_table(
            ("dataset", "content (SHA-256)", "models"),
            [
                (dataset, f"`{digest[:16]}`", "all" if len(of) == len(trainings) else ", ".join(of))
                for (dataset, digest), of in sorted(names.items())
            ],
        ),
    ]


def _table(header: tuple[str, ...], body: Sequence[tuple[str, ...]]) -> list[str]:
    return [
        "| " + " | ".join(header) + " |",
        "|" + "---|" * len(header),
        *("| " + " | ".join(line) + " |" for line in body),
    ]
