"""How an audio track is called in a player's menu."""

import re

from domain.tracks import EncodedAudio

# In their own language, because NAME is for people (RFC 8216bis, 4.4.6.1); other languages show their tag.
_NAMES = {
    tag: name
    for tags, name in (
        ("ar ara", "العربية"), ("zh zho chi", "中文"), ("cs ces cze", "Čeština"), ("da dan", "Dansk"),
        ("nl nld dut", "Nederlands"), ("en eng", "English"), ("fi fin", "Suomi"), ("fr fra fre", "Français"),
        ("de deu ger", "Deutsch"), ("el ell gre", "Ελληνικά"), ("he heb", "עברית"), ("hi hin", "हिन्दी"),
        ("hu hun", "Magyar"), ("it ita", "Italiano"), ("ja jpn", "日本語"), ("ko kor", "한국어"), ("no nor", "Norsk"),
        ("nb nob", "Norsk bokmål"), ("pl pol", "Polski"), ("pt por", "Português"), ("ru rus", "Русский"),
        ("es spa", "Español"), ("sv swe", "Svenska"), ("tr tur", "Türkçe"), ("uk ukr", "Українська"),
        ("vi vie", "Tiếng Việt"),
    )
    for tag in tags.split()
}  # fmt: skip
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


UNDETERMINED = "und"
"""The tag of an unknown language (BCP 47, ISO 639-2)."""
_TAG = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,8})*\Z", re.IGNORECASE | re.ASCII)


def language_tag(track: EncodedAudio) -> str:
    """Returns the language as a tag that may stand in a command and a manifest; ``und`` for what is none.

    Source: BCP 47 (RFC 5646, 2.1), in its simplest form.
    """
    return track.language if _TAG.match(track.language) else UNDETERMINED


def menu_names(tracks: tuple[EncodedAudio, ...]) -> dict[str, str]:
    """Returns track name → menu name: ``English (stereo)``, and ``English (stereo) 2`` for another of the same.

    Source: RFC 8216bis, 4.4.6.1.1: the members of a group have different NAMEs.
    """
    names: dict[str, str] = {}
    for track in tracks:
        wanted = _menu_name(track)
        same = sum(_menu_name(other) == wanted for other in tracks[: len(names)])
        names[track.name] = f"{wanted} {same + 1}" if same else wanted
    return names


def _menu_name(track: EncodedAudio) -> str:
    tag = language_tag(track)
    language = "Audio" if tag == UNDETERMINED else _NAMES.get(tag.lower(), tag)
    if track.role in {"commentary", "description"}:
        language += f", {track.label or track.role}"
    return f"{language} ({_LAYOUTS.get(track.channels, f'{track.channels} channels')})"
