"""API keys: `serving/keys.json` of the home holds their digests and what they are good for, never a key.

A key is `sy_<id>_<secret>`: eight hexadecimal digits that name it, and 256 random bits. With so many bits no
list of guesses helps whoever reads the file, so one SHA-256 is enough, and a request pays a microsecond for
it (`docs/decisions/0023-api-keys-by-one-sha-256.md`).
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

import msgspec

from switchyard.errors import ConfigurationError, UsageError
from switchyard.files import write_bytes_atomic
from switchyard.home import Home

SCHEMA = 1
FILE_MODE = 0o600
ALL = "*"
LONGEST_DAYS = 3650
VALID_AT_ONCE = 2

Verb = Literal["infer", "models", "metrics"]
VERBS: tuple[Verb, ...] = get_args(Verb)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SUBSTATION = re.compile(r"[^\x00-\x20*,]{1,100}")
_KEY = re.compile(rb"sy_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept of one key.

    Attributes:
        name: Whom it was given to; two keys of one name may be valid at once.
        id: Its public part.
        digest: SHA-256 of the whole key, hexadecimal.
        substations: Substations that it may ask about; `*` for all.
        verbs: What it may do.
        created: When it was made.
        expires: From when on it is refused.
    """

    name: str
    id: str
    digest: str
    substations: tuple[str, ...]
    verbs: tuple[Verb, ...]
    created: datetime
    expires: datetime

    def valid(self, now: datetime) -> bool:
        """Whether it is taken at `now`."""
        return now < self.expires


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: int
    keys: tuple[Key, ...]


def digest_of(key: bytes) -> str:
    """What is kept of the key `key`."""
    return hashlib.sha256(key).hexdigest()


def id_of(key: bytes) -> str | None:
    """The public part of a key; None if it has not the form of one."""
    found = _KEY.fullmatch(key)
    return None if found is None else found[1].decode()


class KeyFile:
    """The keys of one home.

    The file beside it, which is locked while keys are changed, says once there has been a key: where it says
    so and the keys are not there, they were lost, and nobody is let in.

    Args:
        home: The home.
    """

    def __init__(self, home: Home) -> None:
        self.path = home.keys
        self.lock = home.keys.with_suffix(".lock")

    def read(self) -> tuple[Key, ...] | None:
        """All keys, expired ones too; None where there has never been one.

        Raises:
            ConfigurationError: The file is lost, damaged, or others than its owner may write it.
        """
        restore = (
            f"restore it, or start anew with `switchyard keys add` after deleting {self.path} and {self.lock}"
        )
        try:
            mode = self.path.stat().st_mode
            content = self.path.read_bytes()
        except FileNotFoundError as error:
            if self.lock.exists() and self.lock.stat().st_size:
                raise ConfigurationError(f"{self.path} is lost", restore) from error
            return None
        except OSError as error:
            raise ConfigurationError(f"{self.path} cannot be read: {error.strerror}", restore) from error
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ConfigurationError(
                f"{self.path} may be written by others (mode {stat.S_IMODE(mode):o})",
                f"chmod 600 {self.path}",
            )
        try:
            found = msgspec.json.decode(content, type=_File)
        except msgspec.DecodeError as error:
            raise ConfigurationError(f"{self.path} is damaged: {error}", restore) from error
        if found.schema != SCHEMA:
            raise ConfigurationError(
                f"{self.path}: schema {found.schema}, this version reads {SCHEMA}", restore
            )
        for key in found.keys:
            if key.expires.tzinfo is None or not re.fullmatch("[0-9a-f]{64}", key.digest):
                raise ConfigurationError(f"{self.path} is damaged: key {key.id}", restore)
        return found.keys

    def add(
        self, name: str, substations: Sequence[str], verbs: Sequence[str], days: float
    ) -> tuple[Key, str]:
        """Make a key for somebody who has none.

        Args:
            name: Whom it is for: letters, digits, `. _ -`, at most 64.
            substations: What it may ask about; `*` for all.
            verbs: What it may do.
            days: How long it is valid.

        Returns:
            What is kept, and the key itself, which cannot be had again.

        Raises:
            UsageError: An argument does not fit, or the name has a key.
            ConfigurationError: The file is lost or damaged.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no name of a key", "use letters, digits, . _ -, at most 64")
        if not substations or not all(one == ALL or _SUBSTATION.fullmatch(one) for one in substations):
            raise UsageError(f"substations {list(substations)}", "name at least one, or * for all")
        chosen = tuple(verb for verb in VERBS if verb in verbs)
        if strangers := sorted(set(verbs) - set(VERBS)):
            raise UsageError(f"there is no verb {strangers[0]!r}", f"the verbs are {', '.join(VERBS)}")
        if not chosen:
            raise UsageError("a key without verbs is good for nothing", f"the verbs are {', '.join(VERBS)}")
        made, key = _make(name, tuple(dict.fromkeys(substations)), chosen, _checked(days))

        def changed(keys: tuple[Key, ...]) -> tuple[Key, ...]:
            if any(one.name == name for one in keys):
                raise UsageError(f"{name} has a key", f"`switchyard keys rotate {name}` gives a second one")
            return (*keys, made)

        self._change(changed)
        return made, key

    def rotate(self, name: str, days: float, overlap_days: float) -> tuple[Key, str]:
        """Make the next key of `name`, with the scope of the last; the last one ends after the overlap.

        Args:
            name: Who has a key.
            days: How long the new key is valid.
            overlap_days: How long the last one still is.

        Returns:
            What is kept, and the key itself.

        Raises:
            UsageError: The name has no key, or `days` does not fit.
            ConfigurationError: The file is lost or damaged.
        """
        _checked(days)
        if not 0 <= overlap_days <= LONGEST_DAYS:
            raise UsageError(f"an overlap of {overlap_days:g} days", f"choose 0 to {LONGEST_DAYS}")
        made: list[tuple[Key, str]] = []

        def changed(keys: tuple[Key, ...]) -> tuple[Key, ...]:
            last = self._newest(keys, name)
            fresh = _make(name, last.substations, last.verbs, days)
            made.append(fresh)
            until = min(last.expires, fresh[0].created + timedelta(days=overlap_days))
            kept = msgspec.structs.replace(last, expires=until)
            return (*(one for one in keys if one.name != name), kept, fresh[0])

        self._change(changed)
        return made[-1]

    def revoke(self, name: str) -> int:
        """Take all keys of `name` away, at once.

        Returns:
            How many there were.

        Raises:
            UsageError: The name has no key.
            ConfigurationError: The file is lost or damaged.
        """
        gone: list[int] = []

        def changed(keys: tuple[Key, ...]) -> tuple[Key, ...]:
            self._newest(keys, name)
            left = tuple(one for one in keys if one.name != name)
            gone.append(len(keys) - len(left))
            return left

        self._change(changed)
        return gone[-1]

    @staticmethod
    def _newest(keys: Sequence[Key], name: str) -> Key:
        mine = [one for one in keys if one.name == name]
        if not mine:
            known = ", ".join(sorted({one.name for one in keys})) or "nobody"
            raise UsageError(f"{name!r} has no key", f"keys are held by {known}")
        return max(mine, key=lambda one: one.created)

    def _change(self, change: Callable[[tuple[Key, ...]], tuple[Key, ...]]) -> None:
        with self._locked():
            keys = change(self.read() or ())
            content = msgspec.json.format(msgspec.json.encode(_File(SCHEMA, keys)), indent=2)
            write_bytes_atomic(self.path, content + b"\n", mode=FILE_MODE)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.lock.parent.mkdir(parents=True, exist_ok=True)
        with self.lock.open("a") as handle:
            self.lock.chmod(FILE_MODE)
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
            if not handle.tell():
                handle.write("keys were issued here\n")


def _checked(days: float) -> float:
    if not 0 < days <= LONGEST_DAYS:
        raise UsageError(f"a key for {days:g} days", f"choose more than 0 and at most {LONGEST_DAYS}")
    return days


def _make(name: str, substations: tuple[str, ...], verbs: tuple[Verb, ...], days: float) -> tuple[Key, str]:
    public = secrets.token_hex(4)
    key = f"sy_{public}_{secrets.token_urlsafe(32)}"
    now = datetime.now(UTC)
    made = Key(name, public, digest_of(key.encode()), substations, verbs, now, now + timedelta(days=days))
    return made, key


def issued(home: Home) -> bool:
    """Whether keys are in force at `home`.

    Raises:
        ConfigurationError: They are lost or damaged.
    """
    return KeyFile(home).read() is not None


@contextmanager
def temporary_key(home: Home, name: str) -> Iterator[str | None]:
    """A key of our own for as long as the context lasts, where keys are in force; None where they are not.

    Raises:
        ConfigurationError: The keys are lost or damaged.
    """
    if not issued(home):
        yield None
        return
    unique = f"{name}-{secrets.token_hex(4)}"
    _, key = KeyFile(home).add(unique, [ALL], VERBS, days=1)
    try:
        yield key
    finally:
        KeyFile(home).revoke(unique)
