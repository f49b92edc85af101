"""Errors of the media room.

::

    MediaError
    ├── SourceError            the source itself is wrong: never retry
    │   ├── UnreadableSource   CNT-002  not media, or damaged beyond opening
    │   ├── DamagedSource      CNT-003  opens, but does not decode whole
    │   ├── EncryptedSource    CNT-004  opens, but only its key would decode it
    │   ├── NoVideoTrack       VID-001
    │   ├── InterlacedSource   VID-002
    │   ├── VariableFrameRate  VID-003
    │   ├── HighDynamicRange   VID-004
    │   ├── UnsupportedPicture VID-005  size, pixel format, turn, colors that we cannot encode right
    │   ├── UnsupportedAudio   AUD-001
    │   ├── DisguisedPlaylist  SEC-001  a list of other files under a video's name
    │   ├── ResourceBomb       SEC-002  it would cost far more than any title is worth
    │   └── TextError          a subtitle file or track
    │       ├── UnreadableText TXT-001
    │       ├── EmptyText      TXT-002
    │       ├── TextOutOfRange TXT-003
    │       └── TextTooLarge   TXT-004
    ├── ToolError
    │   ├── ToolMissing        TOOL-001 this worker is set up wrong
    │   ├── ToolFailed         TOOL-002 a program ended badly; carries the end of what it said
    │   ├── ToolStalled        TOOL-003 a program made no progress and was ended
    │   ├── ToolOutputInvalid  TOOL-004 it ended well, but what it made is not what was asked
    │   ├── SandboxMissing     TOOL-005 a sandbox is required and does not work here
    │   ├── ToolOverLimit      TOOL-006 a program used more than its sandbox allows
    │   ├── ScratchFull        TOOL-007 a program found no room on the local disk
    │   └── OutOfMemory        TOOL-008 a program was killed, or refused memory
    └── PackagingError
        ├── PresentationInvalid  PKG-001
        ├── DecryptionMismatch   PKG-002
        └── NoPresentation       PKG-003  a folder that is to be checked holds no manifest
"""

from typing import ClassVar

from domain.errors import PertitleError


class MediaError(PertitleError):
    """Any error of the media room."""


class SourceError(MediaError):
    """The source itself is wrong; trying again cannot help."""


class UnreadableSource(SourceError):
    """The file is not media that we read."""

    code: ClassVar[str] = "CNT-002"


class DamagedSource(SourceError):
    """The file opens, but not all of it decodes."""

    code: ClassVar[str] = "CNT-003"


class EncryptedSource(SourceError):
    """Tracks of the file are encrypted, and nobody gave us their key."""

    code: ClassVar[str] = "CNT-004"


class NoVideoTrack(SourceError):
    """There is no picture to encode."""

    code: ClassVar[str] = "VID-001"


class InterlacedSource(SourceError):
    """The picture is interlaced, and the order of its fields changes."""

    code: ClassVar[str] = "VID-002"


class VariableFrameRate(SourceError):
    """Frames come so irregularly that no constant rate can show them."""

    code: ClassVar[str] = "VID-003"


class HighDynamicRange(SourceError):
    """The picture is HDR in a way that contradicts itself, or that no codec asked for can carry."""

    code: ClassVar[str] = "VID-004"


class UnsupportedPicture(SourceError):
    """The picture has a size, format, turn or color description that we cannot encode right."""

    code: ClassVar[str] = "VID-005"


class UnsupportedAudio(SourceError):
    """An audio track cannot be decoded."""

    code: ClassVar[str] = "AUD-001"


class DisguisedPlaylist(SourceError):
    """The file is a playlist, which would make us read other files."""

    code: ClassVar[str] = "SEC-001"


class ResourceBomb(SourceError):
    """The file asks for more pixels, tracks or hours than any title has."""

    code: ClassVar[str] = "SEC-002"


class TextError(SourceError):
    """A subtitle file cannot be published."""


class UnreadableText(TextError):
    """A subtitle file is not what its format asks for."""

    code: ClassVar[str] = "TXT-001"


class EmptyText(TextError):
    """A subtitle file shows nothing."""

    code: ClassVar[str] = "TXT-002"


class TextOutOfRange(TextError):
    """No cue of a subtitle file lies inside the title."""

    code: ClassVar[str] = "TXT-003"


class TextTooLarge(TextError):
    """A subtitle file is larger than any film needs."""

    code: ClassVar[str] = "TXT-004"


class ToolError(MediaError):
    """A program failed us."""


class ToolMissing(ToolError):
    """A program, encoder or filter is not there: this worker is set up wrong."""

    code: ClassVar[str] = "TOOL-001"


class ToolFailed(ToolError):
    """A program ended badly."""

    code: ClassVar[str] = "TOOL-002"
    retryable: ClassVar[bool] = True


class ToolStalled(ToolError):
    """A program made no progress for too long and was ended."""

    code: ClassVar[str] = "TOOL-003"
    retryable: ClassVar[bool] = True


class ToolOutputInvalid(ToolError):
    """A program ended well, but what it made is not what was asked."""

    code: ClassVar[str] = "TOOL-004"
    retryable: ClassVar[bool] = True


class SandboxMissing(ToolError):
    """This worker must run programs in a sandbox and cannot."""

    code: ClassVar[str] = "TOOL-005"


class ToolOverLimit(ToolError):
    """A program that read a source used more memory, CPU time or disk than a source may cost."""

    code: ClassVar[str] = "TOOL-006"


class ScratchFull(ToolError):
    """A program found no room on the local disk; another worker may have some, or this one in a while."""

    code: ClassVar[str] = "TOOL-007"
    retryable: ClassVar[bool] = True
    retry_after_s: ClassVar[float | None] = 30.0


class OutOfMemory(ToolError):
    """The kernel killed a program or refused it memory; another worker may have more, or this one in a while."""

    code: ClassVar[str] = "TOOL-008"
    retryable: ClassVar[bool] = True


class PackagingError(MediaError):
    """The presentation is not fit to be published."""


class PresentationInvalid(PackagingError):
    """The presentation breaks a rule."""

    code: ClassVar[str] = "PKG-001"


class DecryptionMismatch(PackagingError):
    """A decrypted track is not the clear track."""

    code: ClassVar[str] = "PKG-002"


class NoPresentation(PackagingError):
    """A folder that is to be checked does not exist or holds no manifest."""

    code: ClassVar[str] = "PKG-003"
