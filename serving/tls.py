"""TLS of the service: its certificate, and the authority whose clients alone are let in."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from switchyard.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM.

    Attributes:
        certificate: The service's certificate, with the chain up to its authority.
        key: Its private key, without a password.
        client_ca: Authority of the clients' certificates; None takes clients without one.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def check(self) -> None:
        """Load the files as a worker will.

        Raises:
            ConfigurationError: A file is missing, is not PEM, or key and certificate do not belong together.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"TLS certificate {self.certificate} with key {self.key}: {_why(error)}",
                "both must be PEM, belong together, and the key have no password",
            ) from error
        if self.client_ca is None:
            return
        try:
            context.load_verify_locations(self.client_ca)
        except OSError as error:
            raise ConfigurationError(
                f"client authority {self.client_ca}: {_why(error)}",
                "it must be one or more certificates in PEM",
            ) from error

    def options(self) -> dict[str, Any]:
        """What uvicorn is told."""
        options: dict[str, Any] = {"ssl_certfile": str(self.certificate), "ssl_keyfile": str(self.key)}
        if self.client_ca is not None:
            options |= {"ssl_ca_certs": str(self.client_ca), "ssl_cert_reqs": ssl.CERT_REQUIRED}
        return options


def tls_of(certificate: Path | None, key: Path | None, client_ca: Path | None) -> Tls | None:
    """TLS by the given files; None where none is given.

    Raises:
        ConfigurationError: One file is given without the other, or cannot be loaded.
    """
    if certificate is None and key is None and client_ca is None:
        return None
    if certificate is None or key is None:
        missing = "certificate" if certificate is None else "private key"
        raise ConfigurationError(f"TLS lacks the service's {missing}", "give --tls-cert and --tls-key")
    tls = Tls(certificate, key, client_ca)
    tls.check()
    return tls


def _no_password() -> str:
    """OpenSSL would ask at the terminal."""
    raise ValueError("the private key has a password")


def _why(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
