"""What a track's language is called in manifests and in a player's menu."""

import re
from collections.abc import Sequence

from domain.tracks import EncodedAudio, TextTrack

# In their own language, because NAME is for people (RFC 8216bis, 4.4.6.1); other languages show their tag.
_NAMES = {
    "ar": "العربية", "zh": "中文", "cs": "Čeština", "da": "Dansk", "nl": "Nederlands", "en": "English",
    "fi": "Suomi", "fr": "Français", "de": "Deutsch", "el": "Ελληνικά", "he": "עברית", "hi": "हिन्दी",
    "hu": "Magyar", "it": "Italiano", "ja": "日本語", "ko": "한국어", "no": "Norsk", "nb": "Norsk bokmål",
    "pl": "Polski", "pt": "Português", "ru": "Русский", "es": "Español", "sv": "Svenska", "tr": "Türkçe",
    "uk": "Українська", "vi": "Tiếng Việt",
}  # fmt: skip
_PAIRS = """
aar:aa abk:ab afr:af aka:ak amh:am ara:ar arg:an asm:as ava:av ave:ae aym:ay aze:az bak:ba bam:bm bel:be ben:bn bih:bh
bis:bi bod:bo tib:bo bos:bs bre:br bul:bg cat:ca ces:cs cze:cs cha:ch che:ce chu:cu chv:cv cor:kw cos:co cre:cr cym:cy
wel:cy dan:da deu:de ger:de div:dv dzo:dz ell:el gre:el eng:en epo:eo est:et eus:eu baq:eu ewe:ee fao:fo fas:fa per:fa
fij:fj fin:fi fra:fr fre:fr fry:fy ful:ff gla:gd gle:ga glg:gl glv:gv grn:gn guj:gu hat:ht hau:ha heb:he her:hz hin:hi
hmo:ho hrv:hr hun:hu hye:hy arm:hy ibo:ig ido:io iii:ii iku:iu ile:ie ina:ia ind:id ipk:ik isl:is ice:is ita:it jav:jv
jpn:ja kal:kl kan:kn kas:ks kat:ka geo:ka kau:kr kaz:kk khm:km kik:ki kin:rw kir:ky kom:kv kon:kg kor:ko kua:kj kur:ku
lao:lo lat:la lav:lv lim:li lin:ln lit:lt ltz:lb lub:lu lug:lg mah:mh mal:ml mar:mr mkd:mk mac:mk mlg:mg mlt:mt mon:mn
mri:mi mao:mi msa:ms may:ms mya:my bur:my nau:na nav:nv nbl:nr nde:nd ndo:ng nep:ne nld:nl dut:nl nno:nn nob:nb nor:no
nya:ny oci:oc oji:oj ori:or orm:om oss:os pan:pa pli:pi pol:pl por:pt pus:ps que:qu roh:rm ron:ro rum:ro run:rn rus:ru
sag:sg san:sa sin:si slk:sk slo:sk slv:sl sme:se smo:sm sna:sn snd:sd som:so sot:st spa:es sqi:sq alb:sq srd:sc srp:sr
ssw:ss sun:su swa:sw swe:sv tah:ty tam:ta tat:tt tel:te tgk:tg tgl:tl tha:th tir:ti ton:to tsn:tn tso:ts tuk:tk tur:tr
twi:tw uig:ug ukr:uk urd:ur uzb:uz ven:ve vie:vi vol:vo wln:wa wol:wo xho:xh yid:yi yor:yo zha:za zho:zh chi:zh zul:zu
"""
_SHORTEST = dict(pair.split(":") for pair in _PAIRS.split())
"""ISO 639-2 code, of either kind, to the ISO 639-1 code that BCP 47 asks for where there is one (RFC 5646, 2.2.1)."""
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
_TEXT_KINDS = {"caption": " (captions)", "forced-subtitle": " (forced)"}
_UNQUOTABLE = re.compile(r"[\x00-\x1f\x7f\"]+")

UNDETERMINED = "und"
"""The tag of an unknown language (BCP 47, ISO 639-2)."""
_TAG = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,8})*\Z", re.IGNORECASE | re.ASCII)


def language_tag(track: EncodedAudio | TextTrack) -> str:
    """Returns the language as the shortest tag that may stand in a manifest; ``und`` for what is none.

    Source: BCP 47 (RFC 5646, 2.1 and 2.2.1), in its simplest form.
    """
    if not _TAG.match(track.language):
        return UNDETERMINED
    language, dash, rest = track.language.partition("-")
    return f"{_SHORTEST.get(language.lower(), language)}{dash}{rest}"


def menu_names(tracks: Sequence[EncodedAudio | TextTrack]) -> dict[str, str]:
    """Returns track name → menu name: ``English (stereo)``, and ``English (stereo) 2`` for another of the same.

    Source: RFC 8216bis, 4.4.6.1.1: the members of a group have different NAMEs.
    """
    names: dict[str, str] = {}
    for track in tracks:
        wanted = _menu_name(track)
        same = sum(_menu_name(other) == wanted for other in tracks[: len(names)])
        names[track.name] = f"{wanted} {same + 1}" if same else wanted
    return names


def _menu_name(track: EncodedAudio | TextTrack) -> str:
    """Returns what the source calls the track, else its language; and what it is."""
    tag = language_tag(track)
    unknown = "Audio" if isinstance(track, EncodedAudio) else "Subtitles"
    language = unknown if tag == UNDETERMINED else _NAMES.get(tag.lower(), tag)
    name = _UNQUOTABLE.sub(" ", track.label).strip() or language
    if isinstance(track, TextTrack):
        return name + _TEXT_KINDS.get(track.role, "")
    kinds = {"commentary": "commentary, ", "description": "described, "}
    layout = _LAYOUTS.get(track.channels, f"{track.channels} channels")
    return f"{name} ({kinds.get(track.role or '', '')}{layout})"
