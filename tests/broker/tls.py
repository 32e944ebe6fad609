"""What a broker needs so that its clients must come in by TLS and with a password."""

from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

_USER = "postback"
_PASSWORD = "open sesame"  # of a broker that lives for one test
_MECHANISM = "SCRAM-SHA-256"


@dataclass(frozen=True, slots=True, kw_only=True)
class SaslSsl:
    """
    A certificate authority, the broker's certificate and one user.

    Attributes:
        authority: PEM file that clients must trust.
        keystore: PEM file with the broker's key and certificates.
    """

    authority: Path
    keystore: Path

    @property
    def broker_properties(self) -> list[tuple[str, object]]:
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        return [
            ("ssl.keystore.type", "PEM"),
            ("ssl.keystore.location", self.keystore),
            ("sasl.enabled.mechanisms", _MECHANISM),
            (f"listener.name.client.{_MECHANISM.lower()}.sasl.jaas.config", scram),
        ]

    @property
    def storage_tool_credentials(self) -> str:
        return f"{_MECHANISM}=[name={_USER},password={_PASSWORD}]"

    @property
    def client_properties(self) -> dict[str, str]:
        """librdkafka's properties of a client that is let in."""
        return {
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(self.authority),
            "sasl.mechanism": _MECHANISM,
            "sasl.username": _USER,
            "sasl.password": _PASSWORD,
        }


def issue(folder: Path) -> SaslSsl:
    """Write an authority and a broker's certificate for 127.0.0.1 into *folder*."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    key = load_pem_private_key(certificate.private_key_pem.bytes(), password=None)
    # Kafka's PEM stores read PKCS#8 only; trustme writes the older form.
    pkcs8 = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    issued = SaslSsl(authority=folder / "authority.pem", keystore=folder / "broker.pem")
    authority.cert_pem.write_to_path(str(issued.authority))
    issued.keystore.write_bytes(pkcs8 + b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    return issued
