"""A certificate authority made for one test run: a server for 127.0.0.1, and encryptors."""

import datetime as dt
import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

_PEM, _PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
_LIFE = dt.timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class Authority:
    """Signs certificates."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False)

    def write_certificate(self, folder: Path) -> Path:
        """Writes the authority's own certificate, for clients to trust."""
        path = folder / "ca.pem"
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
        made = (
            self._builder("test authority", self.key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
        )
        path.write_bytes(made.sign(self.key, hashes.SHA256()).public_bytes(_PEM))
        return path

    def write_server_identity(self, folder: Path, address: str = "127.0.0.1") -> Path:
        """Writes private key and certificate of a server at an address."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        certificate = self._builder("server", key.public_key()).add_extension(names, critical=False)
        return _written(folder / "server.pem", key, certificate.sign(self.key, hashes.SHA256()))

    def write_encryptor_identity(self, folder: Path, bits: int = 2048) -> Path:
        """Writes private RSA key and certificate of an encryptor, readable by its owner only."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        certificate = self._builder("encryptor", key.public_key()).sign(self.key, hashes.SHA256())
        return _written(folder / f"encryptor_{bits}.pem", key, certificate)

    def _builder(
        self, subject: str, public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name("test authority"))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _LIFE)
            .not_valid_after(now + _LIFE)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        )


def _written(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, certificate: x509.Certificate) -> Path:
    path.touch(mode=0o600)
    private = key.private_bytes(_PEM, _PKCS8, serialization.NoEncryption())
    path.write_bytes(private + certificate.public_bytes(_PEM))
    return path
