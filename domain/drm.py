"""What a license system wants to be said about a key in manifests and boxes. Public, all of it."""

from typing import Literal

from pydantic import Field

from domain.values import Value

WIDEVINE = "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"
PLAYREADY = "9a04f079-9840-4286-ab92-e65be0885f95"
FAIRPLAY = "94ce86fb-07ff-4f43-adb8-93d2fa968ca2"
"""System ids. Source: DASH-IF, identifiers of content protection systems."""

DrmSystem = Literal["widevine", "playready", "fairplay"]
SYSTEM_IDS: dict[DrmSystem, str] = {"widevine": WIDEVINE, "playready": PLAYREADY, "fairplay": FAIRPLAY}


class DrmSignal(Value):
    """What one license system wants to be said about one key. Empty parts are said by us, or not at all.

    Source: CPIX 2.3, 5.4.8 (``DRMSystem``); SPEKE 2.0, standard payload components.
    """

    system_id: str = Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    kid: str = Field(pattern=r"^[0-9a-f]{32}$")
    pssh: str = ""
    """The whole ``pssh`` box, base64."""
    content_protection: str = ""
    """Child elements of the MPD's ``ContentProtection``, XML text."""
    hls_media: str = ""
    """``EXT-X-KEY`` lines of media playlists."""
    hls_multivariant: str = ""
    """``EXT-X-SESSION-KEY`` lines of the multivariant playlist."""
