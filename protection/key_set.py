"""The keys of one release, in memory."""

import hashlib
import hmac
from typing import Literal, NamedTuple, NoReturn, SupportsIndex

from domain.drm import DrmSignal
from domain.release import KeyReference
from domain.tracks import KeyLabel
from domain.values import canonical_json
from protection.errors import SecretExposed
from protection.secret_bytes import ContentKey, SecretBytes

Scheme = Literal["cbcs", "cenc"]

LABELS: tuple[KeyLabel, ...] = ("SD", "HD", "UHD1", "UHD2", "AUDIO")
"""Every key set has a key for each, whether the title uses it or not: a second look never adds one."""

IV_BYTES: dict[Scheme, int] = {"cbcs": 16, "cenc": 8}
"""Size of an initialization vector. Source: ISO/IEC 23001-7:2023, 9.5 (8 bytes plus counter; 16 constant)."""


class KeyOrigin(NamedTuple):
    """Who gave the keys, and what came with them."""

    provider_name: str = "local"
    signals: tuple[DrmSignal, ...] = ()
    """What license systems want to be said."""


class KeySet:
    """The content keys, key identifiers and initialization vectors of one release.

    A content key must never meet the same initialization vector on different content (in ``cenc``, counter mode,
    that would give away the XOR of both). Three facts make this hold:

    1. Keys are random for each key set, and a key set belongs to one release: its name is derived from the content
       that it protects, so other content has another name and other keys. A retry has the same content, the same
       name, and rightly the same ciphertext.
    2. Within a release, tracks that share a key (all of one label) get vectors from their track names, which are
       unique in the presentation, through HMAC-SHA-256 under a secret random seed.
    3. In ``cenc`` each sample takes the next vector after the track's first, and blocks count in the lower 64 bits.
       Two of 30 tracks of a million samples each share a vector with probability 30²/2 · 2·10⁶ / 2⁶⁴ ≈ 5·10⁻¹¹.

    Nothing here shows key material: see :class:`protection.secret_bytes.SecretBytes`.
    """

    __slots__ = ("_iv_seed", "_keys", "_kids", "name", "provider_name", "scheme", "signals")

    def __init__(
        self,
        name: str,
        scheme: Scheme,
        *,
        keys: dict[KeyLabel, ContentKey],
        kids: dict[KeyLabel, str],
        iv_seed: SecretBytes,
        origin: KeyOrigin | None = None,
    ) -> None:
        """Takes what a provider made or opened.

        Args:
            name: Of the key set.
            scheme: Common Encryption scheme.
            keys: By label; labels may share one.
            kids: By label, 32 hexadecimal digits.
            iv_seed: Seed of the initialization vectors.
            origin: Who gave the keys, and what came with them. Default: the local provider, nothing.
        """
        self.name = name
        self.scheme = scheme
        self.provider_name, self.signals = origin or KeyOrigin()
        self._keys = keys
        self._kids = kids
        self._iv_seed = iv_seed

    def key_for(self, label: KeyLabel) -> ContentKey:
        """Returns the content key of a label."""
        return self._keys[label]

    def kid_for(self, label: KeyLabel) -> str:
        """Returns the key identifier of a label, 32 hexadecimal digits."""
        return self._kids[label]

    def iv_for(self, track_name: str) -> bytes:
        """Returns the first initialization vector of a track: 16 bytes for ``cbcs``, 8 for ``cenc``. It is public.

        Args:
            track_name: The track's name, unique in the presentation.
        """
        text = canonical_json(["pertitle/iv/v1", self.scheme, self.name, track_name])
        digest = hmac.new(self._iv_seed.reveal(), text, hashlib.sha256).digest()
        return digest[: IV_BYTES[self.scheme]]

    def key_of_kid(self, kid: str) -> ContentKey | None:
        """Returns the content key of a key identifier, or ``None`` if it is not one of ours."""
        return next((self._keys[label] for label, ours in self._kids.items() if ours == kid), None)

    def signals_for(self, label: KeyLabel) -> tuple[DrmSignal, ...]:
        """Returns what license systems want to be said about the key of a label; empty if the provider says nothing."""
        return tuple(signal for signal in self.signals if signal.kid == self._kids[label])

    def references(self, labels: tuple[KeyLabel, ...] | None = None) -> tuple[KeyReference, ...]:
        """Returns the public facts about the keys of some labels (default: of all), for the release."""
        return tuple(KeyReference(label=label, kid=self._kids[label]) for label in labels or tuple(self._kids))

    def secrets(self) -> tuple[SecretBytes, ...]:
        """Returns everything that must not leak, for the leak scan."""
        distinct = {kid: self._keys[label] for label, kid in self._kids.items()}
        return (*distinct.values(), self._iv_seed)

    def __repr__(self) -> str:
        return f"KeySet({self.name!r}, {self.scheme!r}, keys redacted)"

    def __reduce_ex__(self, _protocol: SupportsIndex) -> NoReturn:
        """Refuses pickling and copying."""
        raise SecretExposed(
            f"key set {self.name}",
            found="an attempt to pickle or copy it",
            expected="key material only in memory and on the pipe to the packager",
            fix="pass the key set's name, and open the key set where it is used",
        )
