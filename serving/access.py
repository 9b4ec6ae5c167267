"""Who is let in: the API keys in force, taken up while the service runs; without keys, this machine alone."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from dataclasses import dataclass

from serving.exchange import Head, Scope
from serving.keys import ALL, Key, KeyFile, id_of
from serving.problems import closed, forbidden, unauthorized
from serving.visit import ANYONE, Caller
from switchyard.errors import ConfigurationError
from switchyard.home import Home
from switchyard.log import get_logger

_log = get_logger("serving")

_BEARER = re.compile(rb"[Bb]earer +(\S+)")
_LOOPBACK = ("127.", "::1", "::ffff:127.")
CERTIFIED = Caller(name="certificate")


@dataclass(frozen=True, slots=True)
class _Grant:
    digest: bytes
    expires_s: float
    caller: Caller


class Access:
    """Decides who may ask; used by one event loop.

    Args:
        home: Home whose keys are in force.
        insecure: Whether a service without keys answers other machines too.
        by_certificate: Whether TLS has seen to it that only clients with a certificate get here.
        retry_after_s: Seconds after which to come back while the keys cannot be read.
    """

    def __init__(
        self, home: Home, *, insecure: bool = False, by_certificate: bool = False, retry_after_s: int = 1
    ) -> None:
        self._file = KeyFile(home)
        self._insecure = insecure
        self._by_certificate = by_certificate
        self._retry_after_s = retry_after_s
        self._seen: tuple[int, int, int] | None = None
        self._grants: dict[str, _Grant] | None = None
        self._closed = ""
        self.refresh()

    def refresh(self) -> None:
        """Take the keys up if their file has changed; while it is lost or damaged, nobody is let in."""
        try:
            status = self._file.path.stat()
            seen = (status.st_mtime_ns, status.st_ino, status.st_size)
        except OSError:
            seen = None
        if seen is not None and seen == self._seen and not self._closed:
            return
        try:
            keys = self._read()
        except ConfigurationError as error:
            if str(error) != self._closed:
                _log.error("nobody is let in: %s", error)
            self._closed = str(error)
            return
        if self._closed or seen != self._seen:
            _log.info("API keys: %s", "none in force" if keys is None else f"{len(keys)} in the file")
        self._closed = ""
        self._seen = seen
        self._grants = None if keys is None else {key.id: _grant(key) for key in keys}

    def _read(self) -> tuple[Key, ...] | None:
        """The keys; where there have been some, they do not go unnoticed.

        Raises:
            ConfigurationError: They are lost or damaged.
        """
        keys = self._file.read()
        if keys is None and self._grants is not None:
            raise ConfigurationError(
                f"{self._file.path} is gone", "restore it, or start the service again to serve without keys"
            )
        return keys

    def admit(self, head: Head, scope: Scope, verb: str) -> Caller:
        """Who asks, if they may do `verb`.

        Raises:
            ProblemError: 401: no key, or none that is valid. 403: not this verb, or not from another machine.
                503: the keys cannot be read.
        """
        if self._closed:
            raise closed(self._retry_after_s)
        if self._grants is None:
            return self._without_keys(scope)
        given = _BEARER.fullmatch(head.authorization)
        if given is None:
            raise unauthorized("send the key as `Authorization: Bearer sy_…`")
        grant = self._grants.get(id_of(given[1]) or "")
        if grant is None or not hmac.compare_digest(grant.digest, hashlib.sha256(given[1]).digest()):
            raise unauthorized("the key is not known here")
        if time.time() >= grant.expires_s:
            raise unauthorized(f"the key of {grant.caller.name} has expired")
        if verb not in grant.caller.verbs:
            raise forbidden(f"the key of {grant.caller.name} is not good for {verb}")
        return grant.caller

    def _without_keys(self, scope: Scope) -> Caller:
        client = scope.get("client")
        if self._insecure or client is None or client[0].startswith(_LOOPBACK):
            return ANYONE
        if self._by_certificate and scope.get("scheme") == "https":
            return CERTIFIED
        raise forbidden(
            "without API keys this service answers its own machine alone; `switchyard keys add` makes one"
        )


def _grant(key: Key) -> _Grant:
    caller = Caller(
        key.name, None if ALL in key.substations else frozenset(key.substations), frozenset(key.verbs)
    )
    return _Grant(bytes.fromhex(key.digest), key.expires.timestamp(), caller)
