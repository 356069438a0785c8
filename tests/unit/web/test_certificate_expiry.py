"""When the server's certificate expires."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from controller.model.errors import SettingsError
from controller.web.certificate_expiry import expiry_of
from tests.servers.certificates import Authority


def make_certificate(folder: Path, end: datetime) -> Path:
    """A certificate that signs itself and is valid until *end*."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, datetime(2020, 1, 1, tzinfo=UTC), end)
    file = folder / "server.pem"
    file.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return file


def test_it_is_that_of_the_first_certificate_of_the_file(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue("localhost")
    chain = tmp_path / "chain.pem"
    chain.write_bytes(issued.certificate_file.read_bytes() + authority.ca_file.read_bytes())
    in_two_days = datetime.now(UTC) + timedelta(days=2)
    assert abs(expiry_of(chain) - in_two_days) < timedelta(minutes=5)
    assert expiry_of(chain) == expiry_of(issued.certificate_file)


@pytest.mark.parametrize("year", [2021, 2049, 2050, 2099])
def test_far_away_times_are_written_in_another_way(tmp_path: Path, year: int) -> None:
    end = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert expiry_of(make_certificate(tmp_path, end)) == end


@pytest.mark.parametrize("content", ["", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "nothing"])
def test_what_is_no_certificate_is_told(tmp_path: Path, content: str) -> None:
    file = tmp_path / "server.pem"
    file.write_text(content)
    with pytest.raises(SettingsError, match=r"server\.pem cannot be read"):
        expiry_of(file)
    with pytest.raises(SettingsError, match="cannot be read"):
        expiry_of(tmp_path / "missing.pem")
