"""Which text tracks a title gets, and how they are called."""

from domain.files import StoredFile
from domain.subtitles import Sidecar, SubtitleRequest
from domain.video import SubtitleTrack, TextRole
from media.text.tracks import plan_texts


def track(index: int, language: str, codec: str = "subrip", role: TextRole = "subtitle") -> SubtitleTrack:
    return SubtitleTrack(stream_index=index, codec_name=codec, language=language, role=role, title="Name")


def sidecar(language: str, role: TextRole = "subtitle", *, is_default: bool = False) -> Sidecar:
    said = SubtitleRequest(source="s3://incoming/a.srt", language=language, role=role, is_default=is_default)
    return Sidecar(file=StoredFile(uri=said.source, sha256="0" * 64, size_bytes=1), request=said)


def test_files_of_the_request_come_first_and_stand_in_for_tracks_of_their_language_and_role() -> None:
    planned, notes = plan_texts(
        (track(2, "eng"), track(3, "eng", role="caption"), track(4, "fra")), (sidecar("en"), sidecar("pt-BR"))
    )
    assert [item.name for item in planned] == ["text_1_en", "text_2_ptBR", "text_3_eng_cc", "text_4_fra"]
    assert [item.label for item in planned] == ["", "", "Name", "Name"]
    assert notes == ["subtitle track 2 (subrip, eng) left out: the request brings a file in its place"]


def test_pictures_are_reported_and_left_out() -> None:
    planned, notes = plan_texts((track(2, "eng", "dvd_subtitle"), track(3, "fra", "hdmv_pgs_subtitle")), ())
    assert planned == []
    assert notes == [
        "subtitle track 2 (dvd_subtitle, eng) left out: it is not text",
        "subtitle track 3 (hdmv_pgs_subtitle, fra) left out: it is not text",
    ]


def test_one_track_at_most_shows_by_itself() -> None:
    planned, _ = plan_texts(
        (track(2, "deu"),), (sidecar("en"), sidecar("fr", is_default=True), sidecar("es", is_default=True))
    )
    assert [item.is_default for item in planned] == [False, True, False, False]
    assert len({item.name for item in planned}) == 4
