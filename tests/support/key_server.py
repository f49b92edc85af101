"""A SPEKE 2.0 key server as the standard describes it: TLS under an authority of its own, authentication on.

Keys follow from content id and KID under a secret of the server, as in AWS's reference server: the same request has
the same answer. A test spoils an answer by changing the document before it is sent.
"""

import base64
import hashlib
import hmac
import http.server
import os
import re
import ssl
import threading
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from domain.drm import FAIRPLAY
from protection.cpix import AES_256_CBC, CPIX, DS, ENC, HMAC_SHA_512, PSKC, RSA_OAEP, tag
from tests.support.authority import Authority

USER, PASSWORD, REALM = "encoder", "correct horse", "keys"
_OAEP = rsa_padding.OAEP(mgf=rsa_padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)  # noqa: S303 - the standard's
Spoil = Callable[[ET.Element], bytes | None]
"""Changes the answer's document, or returns other bytes to send."""


@dataclass
class KeyServer:
    """A running key server."""

    url: str = ""
    ca_file: Path = Path()
    auth: str = "basic"
    spoil: Spoil = lambda _: None
    status: list[int] = field(default_factory=list)
    """Statuses to answer with before the right one."""
    version: str = "2.0"
    hang: threading.Event | None = None
    """If set, answers wait for it."""
    requests: list[bytes] = field(default_factory=list)
    """Every document that was received with the right credentials."""
    secret: bytes = field(default_factory=lambda: os.urandom(32), repr=False)
    check_signature: Callable[[http.server.BaseHTTPRequestHandler, bytes], bool] = lambda _request, _body: False
    """For ``sigv4``: tells whether a request is rightly signed."""

    def key_of(self, content_id: str, kid: str) -> bytes:
        """Returns the content key that this server gives."""
        return hmac.new(self.secret, f"{content_id}/{uuid.UUID(kid)}".encode(), hashlib.sha256).digest()[:16]


@contextmanager
def running_key_server(folder: Path, ca: Authority, **facts: object) -> Iterator[KeyServer]:
    """Starts a key server on a free loopback port and ends it."""
    server = KeyServer(ca_file=ca.write_certificate(folder), **facts)  # type: ignore[arg-type] # fields, by name
    listener = _Listener(("127.0.0.1", 0), _answering(server))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca.write_server_identity(folder))
    listener.socket = context.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
    server.url = f"https://127.0.0.1:{listener.server_address[1]}/speke/v2.0/copyProtection"
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        if server.hang:
            server.hang.set()
        listener.shutdown()
        listener.server_close()
        thread.join()


class _Listener(http.server.ThreadingHTTPServer):
    """Keeps quiet about clients that hang up: tests make them do so."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing."""


def _answering(server: KeyServer) -> type[http.server.BaseHTTPRequestHandler]:
    class Answering(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not _is_authentic(server, self, body):
                challenge = {"basic": f'Basic realm="{REALM}"', "digest": f'Digest realm="{REALM}", nonce="{_NONCE}"'}
                self._send(401, b"", {"WWW-Authenticate": challenge.get(server.auth, "")})
                return
            server.requests.append(body)
            if server.hang:
                server.hang.wait(30)
            if server.status:
                self._send(server.status.pop(0), b"Unsupported SPEKE version")
            elif self.headers.get("X-Speke-Version") != "2.0" or self.headers["Content-Type"] != "application/xml":
                self._send(422, b"Unsupported SPEKE version")
            else:
                headers = {"X-Speke-Version": server.version, "X-Speke-User-Agent": "test"}
                self._send(200, fill(server, body), headers)

        def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, text in {**(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing: what is logged is tested elsewhere."""

    return Answering


_NONCE = "dcd98b7102dd2f0e8b11d0f600bfb0c0"


def _is_authentic(server: KeyServer, request: http.server.BaseHTTPRequestHandler, body: bytes) -> bool:
    given = request.headers.get("Authorization", "")
    if server.auth == "basic":
        return given == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    if server.auth == "sigv4":
        return server.check_signature(request, body)
    facts = dict(re.findall(r'(\w+)="?([^",]+)"?', given.removeprefix("Digest ")))
    ours = _md5(f"{_md5(f'{USER}:{REALM}:{PASSWORD}')}:{_NONCE}:{_md5(f'POST:{request.path}')}")
    return facts.get("response") == ours


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - RFC 7616 with MD5, what RFC 2617 servers speak


def fill(server: KeyServer, document: bytes) -> bytes:
    """Returns the answer to a document: every empty place filled, nothing else changed."""
    root = ET.fromstring(document)  # noqa: S314 - the test's own client wrote it
    content_id = root.get("contentId", "")
    protect = _delivery_of(root)
    for element in root.iter(tag(CPIX, "ContentKey")):
        key = server.key_of(content_id, element.get("kid", ""))
        secret = ET.SubElement(ET.SubElement(element, tag(CPIX, "Data")), tag(PSKC, "Secret"))
        if protect:
            protect(secret, key)
        else:
            ET.SubElement(secret, tag(PSKC, "PlainValue")).text = base64.b64encode(key).decode()
    for element in root.iter(tag(CPIX, "DRMSystem")):
        _signal(element)
    spoiled = server.spoil(root)
    return ET.tostring(root) if spoiled is None else spoiled


def _signal(element: ET.Element) -> None:
    kid, system = element.get("kid", ""), element.get("systemId", "")
    data = uuid.UUID(kid).bytes
    box = b"pssh" + bytes(4) + uuid.UUID(system).bytes + len(data).to_bytes(4) + data
    pssh = base64.b64encode((len(box) + 4).to_bytes(4) + box).decode()
    uri = f"skd://{kid}" if system == FAIRPLAY else f"data:text/plain;base64,{pssh}"
    facts = f'METHOD=SAMPLE-AES,URI="{uri}",KEYFORMAT="urn:uuid:{system}",KEYFORMATVERSIONS="1"'
    texts = {
        "PSSH": pssh,
        "ContentProtectionData": _base64(f'<cenc:pssh xmlns:cenc="urn:mpeg:cenc:2013">{pssh}</cenc:pssh>'),
        "media": _base64(f"#EXT-X-KEY:{facts}"),
        "master": _base64(f"#EXT-X-SESSION-KEY:{facts}"),
    }
    for child in element:
        child.text = texts[child.get("playlist") or child.tag.rpartition("}")[2]]


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _delivery_of(root: ET.Element) -> Callable[[ET.Element, bytes], None] | None:
    """Adds document and MAC key for the certificate of a request, and returns what encrypts a content key."""
    delivery = root.find(f".//{tag(CPIX, 'DeliveryData')}")
    if delivery is None:
        return None
    certificate = x509.load_der_x509_certificate(
        base64.b64decode(delivery.findtext(f".//{tag(DS, 'X509Certificate')}") or "")
    )
    public_key = certificate.public_key()
    assert isinstance(public_key, rsa.RSAPublicKey)
    document_key, mac_key = os.urandom(32), os.urandom(64)

    def encrypted(parent: ET.Element, algorithm: str, cipher_text: bytes) -> None:
        value = ET.SubElement(parent, tag(PSKC, "EncryptedValue"))
        ET.SubElement(value, tag(ENC, "EncryptionMethod"), {"Algorithm": algorithm})
        text = ET.SubElement(ET.SubElement(value, tag(ENC, "CipherData")), tag(ENC, "CipherValue"))
        text.text = base64.b64encode(cipher_text).decode()

    document = ET.SubElement(delivery, tag(CPIX, "DocumentKey"), {"Algorithm": AES_256_CBC})
    secret = ET.SubElement(ET.SubElement(document, tag(CPIX, "Data")), tag(PSKC, "Secret"))
    encrypted(secret, RSA_OAEP, public_key.encrypt(document_key, _OAEP))
    method = ET.SubElement(delivery, tag(CPIX, "MACMethod"), {"Algorithm": HMAC_SHA_512})
    encrypted(ET.SubElement(method, tag(CPIX, "Key")), RSA_OAEP, public_key.encrypt(mac_key, _OAEP))

    def protect(parent: ET.Element, key: bytes) -> None:
        padder = padding.PKCS7(128).padder()
        iv = os.urandom(16)
        cipher = Cipher(algorithms.AES(document_key), modes.CBC(iv)).encryptor()
        cipher_text = iv + cipher.update(padder.update(key) + padder.finalize()) + cipher.finalize()
        encrypted(parent, AES_256_CBC, cipher_text)
        mac = hmac.new(mac_key, cipher_text, hashlib.sha512).digest()
        ET.SubElement(parent, tag(PSKC, "ValueMAC")).text = base64.b64encode(mac).decode()

    return protect
