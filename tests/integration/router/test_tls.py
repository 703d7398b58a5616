"""A receiver has to be who its name says: a certificate is believed for its name alone."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from shared.outbound.posting import Answer, Outbound
from shared.outbound.resolving import Resolver

NAME = "hooks.example"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """For NAME, signed by itself, with its key: one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, SHA256())
    )
    path = tmp_path / "hooks.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + built.public_bytes(Encoding.PEM)
    )
    return path


async def posted(certificate: Path, host: str, believed: Path | None) -> tuple[Answer, list[bytes]]:
    """The answer, and what the receiver got to read."""
    read: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        read.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    async def here(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    own.load_cert_chain(certificate)
    theirs = None if believed is None else ssl.create_default_context(cafile=str(believed))
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=own) as server:
        outbound = Outbound(Resolver(here), theirs)
        try:
            url = f"https://{host}:{server.sockets[0].getsockname()[1]}/hook"
            return await outbound.post(url, True, {}, b"{}"), read
        finally:
            await outbound.close()


async def test_a_certificate_for_the_name_by_whom_we_believe_is_taken(certificate: Path) -> None:
    answer, read = await posted(certificate, NAME, certificate)
    assert (answer.status, len(read)) == (204, 1)


async def test_a_certificate_by_somebody_is_not(certificate: Path) -> None:
    answer, read = await posted(certificate, NAME, None)
    assert (answer.status, answer.why, read) == (None, "the certificate isn't valid", [])


async def test_a_certificate_for_another_name_is_not(certificate: Path) -> None:
    answer, read = await posted(certificate, "other.example", certificate)
    assert (answer.status, answer.why, read) == (None, "the certificate isn't valid", [])
