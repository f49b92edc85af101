"""Content keys that the key server encrypted for us: only our private key opens them, TLS or not.

Source: CPIX 2.3, 6.1 (document key under RSA-OAEP, content keys under AES-256-CBC, MAC over the cipher value);
SPEKE API v2, "Content key encryption".
"""

import base64
import binascii
import hashlib
import hmac
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from cryptography import x509
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from protection.cpix import AES_256_CBC, CPIX, ENC, HMAC_SHA_512, PSKC, RSA_OAEP, tag
from protection.errors import KeyAnswerInvalid, KeysNotConfigured
from protection.key_file import read_private_file
from protection.secret_bytes import SecretBytes

LEAST_RSA_BITS = 2048
"""Source: SPEKE API v2, "Content key encryption", restrictions."""
_OAEP = rsa_padding.OAEP(mgf=rsa_padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)  # noqa: S303 - xmlenc's rsa-oaep-mgf1p


@dataclass(frozen=True, slots=True)
class DeliveryKey:
    """A certificate to send and the private key that goes with it."""

    certificate: bytes
    """DER."""
    private_key: rsa.RSAPrivateKey

    def __repr__(self) -> str:
        return "DeliveryKey(redacted)"


def load_delivery_key(path: Path) -> DeliveryKey:
    """Returns certificate and private key of a PEM file that only we can read.

    Raises:
        UnsafeKeyFile: if others can read the file.
        KeysNotConfigured: if it does not hold a certificate and its RSA key of at least 2048 bits.
    """
    content = read_private_file(path).reveal()
    try:
        certificate = x509.load_pem_x509_certificate(content)
        key = serialization.load_pem_private_key(content, None)
    except (ValueError, TypeError):
        _not_configured(path, "no certificate, or no private key without passphrase")
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < LEAST_RSA_BITS:
        _not_configured(path, "a private key that is not RSA of 2048 bits or more")
    if certificate.public_key() != key.public_key():
        _not_configured(path, "a private key that does not belong to the certificate")
    return DeliveryKey(certificate.public_bytes(serialization.Encoding.DER), key)


@dataclass(frozen=True, slots=True)
class Delivery:
    """The two keys of one answer."""

    document_key: SecretBytes
    mac_key: SecretBytes

    def open(self, secret: ET.Element, what: str) -> bytes:
        """Returns a secret, after its MAC is found right.

        Raises:
            KeyAnswerInvalid: if it is not encrypted as it must be, or was changed.
        """
        cipher_text = _cipher_value(secret.find(tag(PSKC, "EncryptedValue")), AES_256_CBC, what)
        mac = _base64(secret.findtext(tag(PSKC, "ValueMAC")), what)
        if not hmac.compare_digest(mac, hmac.new(self.mac_key.reveal(), cipher_text, hashlib.sha512).digest()):
            _refuse(f"{what} has a wrong MAC")
        if len(cipher_text) < 32 or len(cipher_text) % 16:
            _refuse(f"{what} is no AES-CBC text")
        cipher = Cipher(algorithms.AES(self.document_key.reveal()), modes.CBC(cipher_text[:16])).decryptor()
        padded = cipher.update(cipher_text[16:]) + cipher.finalize()
        unpadder = padding.PKCS7(128).unpadder()
        try:
            return unpadder.update(padded) + unpadder.finalize()
        except ValueError:
            _refuse(f"{what} is wrongly padded")


def read_delivery(root: ET.Element, key: DeliveryKey) -> Delivery:
    """Returns the two keys of an answer, opened with our private key.

    Raises:
        KeyAnswerInvalid: if they are not there, or not for us.
    """
    delivery = root.find(f"{tag(CPIX, 'DeliveryDataList')}/{tag(CPIX, 'DeliveryData')}")
    document = None if delivery is None else delivery.find(tag(CPIX, "DocumentKey"))
    method = None if delivery is None else delivery.find(tag(CPIX, "MACMethod"))
    if document is None or method is None:
        _refuse("content keys are not encrypted, though we sent a certificate")
    if document.get("Algorithm") != AES_256_CBC or method.get("Algorithm") != HMAC_SHA_512:
        _refuse("other algorithms than AES-256-CBC and HMAC-SHA-512")
    secret = document.find(f"{tag(CPIX, 'Data')}/{tag(PSKC, 'Secret')}/{tag(PSKC, 'EncryptedValue')}")
    document_key = _opened(secret, key, "the document key")
    if len(document_key) != 32:
        _refuse("a document key that is not of 32 bytes")
    mac_key = _opened(method.find(f"{tag(CPIX, 'Key')}/{tag(PSKC, 'EncryptedValue')}"), key, "the MAC key")
    return Delivery(document_key, mac_key)


def _opened(encrypted: ET.Element | None, key: DeliveryKey, what: str) -> SecretBytes:
    try:
        return SecretBytes(key.private_key.decrypt(_cipher_value(encrypted, RSA_OAEP, what), _OAEP))
    except ValueError:
        _refuse(f"{what} is not encrypted for our certificate")


def _cipher_value(encrypted: ET.Element | None, algorithm: str, what: str) -> bytes:
    method = None if encrypted is None else encrypted.find(tag(ENC, "EncryptionMethod"))
    if encrypted is None or method is None or method.get("Algorithm") != algorithm:
        _refuse(f"{what} is not encrypted as asked")
    return _base64(encrypted.findtext(f"{tag(ENC, 'CipherData')}/{tag(ENC, 'CipherValue')}"), what)


def _base64(text: str | None, what: str) -> bytes:
    try:
        return base64.b64decode("".join((text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        _refuse(f"{what} is no base64")


def _refuse(found: str) -> NoReturn:
    raise KeyAnswerInvalid("key server", found=found, expected="keys encrypted as CPIX 2.3, 6.1 says")


def _not_configured(path: Path, found: str) -> NoReturn:
    raise KeysNotConfigured(str(path), found=found, expected="PEM: certificate and RSA key of at least 2048 bits")
