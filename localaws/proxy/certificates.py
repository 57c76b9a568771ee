"""A certificate authority that can vouch for AWS's names and for no others."""

import datetime
import ssl
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import botocore
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from localaws.files import write_atomically
from localaws.profile import BUNDLE

DOMAINS = ("amazonaws.com", "amazonaws.com.cn", "api.aws")
"""Where AWS's APIs are; the authority's own certificate allows no other name
(https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.10)."""

YEARS = 10
HOSTS_KEPT = 256

_DAY = datetime.timedelta(days=1)
_BUNDLE = Path(botocore.__file__).with_name("cacert.pem")


@dataclass(frozen=True)
class Authority:
    """The authority of one state folder: made once, its key readable by its owner alone."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def open(cls, directory: Path) -> "Authority":
        """Read it, or make it where there is none.

        Leaves BUNDLE there: the authorities that boto3 trusts anyway, and this one.
        """
        path = directory / "proxy-authority.pem"
        try:
            authority = cls._read(path.read_bytes())
        except (FileNotFoundError, ValueError):
            authority = cls._new()
            write_atomically(path, authority._pem(), mode=0o600)
        certificate = authority.certificate.public_bytes(serialization.Encoding.PEM)
        write_atomically(directory / BUNDLE, _BUNDLE.read_bytes() + b"\n" + certificate)
        return authority

    @classmethod
    def _read(cls, pem: bytes) -> "Authority":
        key = serialization.load_pem_private_key(pem, password=None)
        certificate = x509.load_pem_x509_certificate(pem)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("no key of an elliptic curve")
        if certificate.not_valid_after_utc < _now() + 30 * _DAY:
            raise ValueError("about to expire")
        return cls(key, certificate)

    @classmethod
    def _new(cls) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localaws on this machine")])
        allowed = [x509.DNSName(domain) for domain in DOMAINS]
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            _builder(name, name, key, 365 * YEARS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.NameConstraints(allowed, None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        return cls(key, certificate)

    def _pem(self) -> bytes:
        return _pem_of(self.key) + self.certificate.public_bytes(serialization.Encoding.PEM)

    @lru_cache(maxsize=HOSTS_KEPT)  # noqa: B019 — there is one authority in a process
    def context(self, host: str) -> ssl.SSLContext:
        """What a server needs to be ``host``."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(x509.Name([]), self.certificate.subject, key, 365)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
            .sign(self.key, hashes.SHA256())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        pem = _pem_of(key) + certificate.public_bytes(serialization.Encoding.PEM)
        # OpenSSL reads certificates from files only.
        with tempfile.NamedTemporaryFile(delete=False) as file:
            file.write(pem)
        try:
            context.load_cert_chain(file.name)
        finally:
            Path(file.name).unlink()
        return context


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - _DAY)
        .not_valid_after(_now() + days * _DAY)
    )


def _pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
