"""From a command line to a checked request."""

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from client.errors import SourceNotFound, UnreadableRecipe
from client.session import Session
from domain.bandwidth_histogram import BadBandwidthHistogram, parse_bandwidth_histogram
from domain.request import BadRequest, TitleRequest, parse_title_request
from domain.values import digest_of

DRY_SOURCE = "s3://pertitle-incoming/sources/not-uploaded-yet"


def title_id_for(source: str) -> str:
    """Returns a title id made from a file name: ``My Film (v2).mov`` becomes ``my-film-v2``."""
    stem = PurePosixPath(source).stem
    return re.sub(r"[^a-z0-9_]+", "-", stem.lower()).strip("-_")[:64] or "title"


def read_recipe(path: Path | None, bandwidths: Path | None = None) -> dict[str, Any]:
    """Returns the recipe of a JSON file; without a file the empty one, which means the house defaults.

    Args:
        path: Of the recipe.
        bandwidths: Of a table of bandwidths and weights, which becomes the policy's ``bandwidth_histogram``.

    Raises:
        UnreadableRecipe: if the file is not there or does not hold a JSON object.
        BadBandwidthHistogram: if the table is not there or is none.
        BadRequest: if the recipe has a histogram of its own.
    """
    recipe = {} if path is None else _json_object(path)
    return recipe if bandwidths is None else _with_bandwidths(recipe, bandwidths)


def _json_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from None
    if not isinstance(content, dict):
        raise _unreadable(path, f"a JSON {type(content).__name__}")
    return content


def _with_bandwidths(recipe: dict[str, Any], table: Path) -> dict[str, Any]:
    policy = recipe.get("policy", {})
    if not isinstance(policy, dict):
        return recipe  # the check of the request says what is wrong with it
    if policy.get("bandwidth_histogram") is not None:
        raise BadRequest(
            "--bandwidths",
            found="a bandwidth_histogram in the recipe as well",
            expected="the bandwidths of the viewers once",
            fix="leave one of them out",
        )
    return recipe | {"policy": policy | {"bandwidth_histogram": _read_bandwidths(table)}}


def _read_bandwidths(path: Path) -> tuple[tuple[int, float], ...]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadBandwidthHistogram(
            str(path),
            found=str(error),
            expected="a text file of lines such as 5000000,0.2: bits per second and weight",
            fix="check the path, or save the table as CSV in UTF-8",
        ) from None
    return parse_bandwidth_histogram(text)


async def prepare_request(
    session: Session, source: str, content: dict[str, Any], *, on_progress: Callable[[int], None]
) -> TitleRequest:
    """Returns the checked request for a source, which is uploaded first if it is a local file.

    Everything else is checked before the upload: nobody waits for one to learn of a typing mistake.

    Args:
        session: Where to.
        source: A local path or an ``s3://`` address.
        content: The request's other fields.
        on_progress: Is told the bytes uploaded so far.

    Raises:
        SourceNotFound: if there is no such file.
        BadRequest: if the request breaks a rule.
        StorageError: if the upload fails.
    """
    await asyncio.to_thread(check_before_upload, source, content)
    uploaded = dict(content)
    if "subtitles" in content:
        uploaded["subtitles"] = [
            item | {"source": await _uploaded(session, item["source"], lambda _done: None)}
            for item in content["subtitles"]
        ]
    return parse_title_request({**uploaded, "source": await _uploaded(session, source, on_progress)})


async def _uploaded(session: Session, source: str, on_progress: Callable[[int], None]) -> str:
    """Returns the address of a file, uploaded if it is a local one."""
    if source.startswith("s3://"):
        return source
    return (await asyncio.to_thread(session.sources.upload_source, Path(source), on_progress=on_progress)).uri


def check_before_upload(source: str, content: dict[str, Any]) -> None:
    """Checks everything about a request that can be checked without a server.

    Raises:
        SourceNotFound: if there is no such file.
        BadRequest: if the request breaks a rule.
    """
    dry = {**content, "source": _dry(source)}
    if "subtitles" in content:
        dry["subtitles"] = [item | {"source": _dry(item["source"])} for item in content["subtitles"]]
    parse_title_request(dry)
    for file in (source, *(item["source"] for item in content.get("subtitles", ()))):
        if not file.startswith("s3://"):
            _require_file(Path(file))


def read_subtitle_option(option: str) -> dict[str, Any]:
    """Returns the request's words for ``en=subs.srt`` or ``en:caption=subs.scc``.

    Raises:
        BadRequest: if it has another form.
    """
    said, equals, file = option.partition("=")
    language, _, role = said.partition(":")
    if not equals or not language or not file:
        raise BadRequest(
            "--subtitles",
            found=repr(option),
            expected="LANGUAGE=FILE or LANGUAGE:ROLE=FILE",
            fix="say for example --subtitles en=film.en.srt --subtitles en:caption=film.scc",
        )
    return {"source": file, "language": language, **({"role": role} if role else {})}


def _dry(source: str) -> str:
    return source if source.startswith("s3://") else DRY_SOURCE


def request_content(  # noqa: D417 - the others are fields of the request
    source: str,
    *,
    recipe: dict[str, Any],
    title_id: str | None,
    priority: str,
    subtitles: Sequence[str] = (),
) -> dict[str, Any]:
    """Returns the fields of a request but its source; subtitle files keep their local path until they are uploaded.

    Args:
        subtitles: Each ``LANGUAGE=FILE`` or ``LANGUAGE:ROLE=FILE``.

    Raises:
        BadRequest: if one of them has another form.
    """
    told = {"subtitles": [read_subtitle_option(option) for option in subtitles]} if subtitles else {}
    return told | {"title_id": title_id or title_id_for(source), "recipe": recipe, "priority": priority}


def workflow_id_of(request: TitleRequest) -> str:
    """Returns the id of a request's workflow: the same request twice is one title, whatever its priority and studio."""
    beside = {"priority", "studio", "when_stuck", "provisional"}
    digest = digest_of(request.model_dump(mode="json", exclude=beside))
    return f"title/{request.title_id}/{digest[:16]}"


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise SourceNotFound(
            "source", found=f"no file {path}", expected="a media file or s3://bucket/key", fix="check the path"
        )


def _unreadable(path: Path, found: str) -> UnreadableRecipe:
    return UnreadableRecipe(
        str(path),
        found=found,
        expected="a JSON object with the fields of a recipe (`pertitle schema` prints them all)",
        fix='write for example {"codecs": [{"codec": "av1"}]}',
    )
