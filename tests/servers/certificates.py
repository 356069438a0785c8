"""Certificates for the servers that tests start: an own authority, certificates of servers and callers."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOOPBACK_NAMES = ("localhost", "127.0.0.1")
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def rsa_key() -> rsa.RSAPrivateKey:
    """A new key for what does not take those of elliptic curves."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """Paths of a certificate and its private key, both PEM."""

    certificate_file: Path
    key_file: Path

    def bundle(self, name: str) -> bytes:
        """Both in the form of PKCS #12, without a password."""
        certificate = x509.load_pem_x509_certificate(self.certificate_file.read_bytes())
        key = serialization.load_pem_private_key(self.key_file.read_bytes(), None)
        assert isinstance(key, PrivateKey)
        return pkcs12.serialize_key_and_certificates(
            name.encode(), key, certificate, None, serialization.NoEncryption()
        )


class Authority:
    """A certificate authority whose files stand in one folder: its own root, or one below another."""

    def __init__(self, folder: Path, name: str = "Test Authority", above: "Authority | None" = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = self._signed_by(above or self)
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, *names: str, key: PrivateKey | None = None) -> ServerCertificate:
        """Issue a certificate, of a server or a client, for names and IP addresses; the first one names its files."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = (
            _starting_now(x509.CertificateBuilder())
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .add_extension(x509.SubjectAlternativeName([_general_name(n) for n in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(_authority_of(self._key), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return self._write(names[0], certificate, key)

    def issue_client(
        self,
        *common_names: str,
        names: Sequence[x509.GeneralName] = (),
        valid_for: timedelta = timedelta(days=2),
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
    ) -> ServerCertificate:
        """Issue a certificate that proves a caller, with any number of common and of subject alternative names."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self.certify_client(
            key.public_key(), *common_names, names=names, valid_for=valid_for, usage=usage
        )
        return self._write(f"client-{certificate.serial_number}", certificate, key)

    def certify_client(
        self,
        public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
        *common_names: str,
        names: Sequence[x509.GeneralName] = (),
        valid_for: timedelta = timedelta(days=2),
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
    ) -> x509.Certificate:
        """Issue a certificate of a caller whose key was made elsewhere."""
        common = [x509.NameAttribute(NameOID.COMMON_NAME, name) for name in common_names]
        builder = (
            _starting_now(x509.CertificateBuilder(), valid_for)
            .subject_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"), *common]))
            .issuer_name(self._name)
            .public_key(public_key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(_authority_of(self._key), critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def revoke(self, *certificates: ServerCertificate, age: timedelta = timedelta(hours=1)) -> Path:
        """Write a list of revoked certificates, good for two days. Of two of an authority the newer one counts."""
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self._name)
        builder = builder.last_update(now - age).next_update(now + timedelta(days=2))
        for certificate in certificates:
            serial = x509.load_pem_x509_certificate(certificate.certificate_file.read_bytes()).serial_number
            revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - timedelta(hours=1))
            builder = builder.add_revoked_certificate(revoked.build())
        path = self._folder / "revoked.pem"
        path.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return path

    def _write(self, name: str, certificate: x509.Certificate, key: PrivateKey) -> ServerCertificate:
        paths = ServerCertificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        paths.certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths.key_file.touch(mode=0o600)
        paths.key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return paths

    def _signed_by(self, issuer: "Authority") -> x509.Certificate:
        public = self._key.public_key()
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        return (
            _starting_now(x509.CertificateBuilder())
            .subject_name(self._name)
            .issuer_name(issuer._name)
            .public_key(public)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(issuer._key, hashes.SHA256())
        )


def _starting_now(
    builder: x509.CertificateBuilder, valid_for: timedelta = timedelta(days=2)
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        builder.serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + valid_for)
    )


def _authority_of(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
