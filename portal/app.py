"""The portal: the newest report of a title over HTTP, for people who come from the Temporal UI. Nothing is listed."""

from typing import Annotated

from fastapi import FastAPI, HTTPException
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse, PlainTextResponse
from pydantic import ValidationError
from starlette.middleware.trustedhost import TrustedHostMiddleware

from domain.errors import PertitleError
from domain.files import StoredFile
from domain.request import TITLE_ID_PATTERN
from domain.values import Value
from storage.addresses import ObjectAddress
from storage.errors import ObjectMissing
from storage.object_store import ObjectStore

# A report is one self-contained page: it needs nothing from anywhere, so it gets nothing.
_REPORT_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
TitleId = Annotated[str, PathParameter(pattern=TITLE_ID_PATTERN)]


class LatestReport(Value):
    """``reports/{title_id}/latest.json`` in the work bucket: which report is the newest."""

    report: StoredFile


def create_app(store: ObjectStore, codec_endpoint: FastAPI | None = None) -> FastAPI:
    """Returns the portal over a store, with the codec endpoint at ``/codec`` if payloads are sealed."""
    # No interactive documentation: its pages load scripts from elsewhere.
    app = FastAPI(title="pertitle portal", openapi_url=None, docs_url=None, redoc_url=None)
    # A page elsewhere could point a name of its own at loopback (DNS rebinding): only loopback's names are served.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])

    if codec_endpoint is not None:
        app.mount("/codec", codec_endpoint)

    @app.get("/healthz", response_class=PlainTextResponse)
    def say_healthy() -> str:
        return "ok\n"

    @app.get("/titles/{title_id}/report", response_class=HTMLResponse)
    def show_report(title_id: TitleId) -> HTMLResponse:
        return HTMLResponse(read_report(store, title_id), headers=_REPORT_HEADERS)

    return app


def read_report(store: ObjectStore, title_id: str) -> bytes:
    """Returns the newest report of a title.

    Raises:
        HTTPException: 404 if the title has none; 502 if the store's copy is damaged; 503 if the store does not answer.
    """
    try:
        found = store.get(report_pointer(store, title_id))
        if found is None:
            raise HTTPException(404, f"title {title_id} has no report yet")
        return store.read_bytes(LatestReport.model_validate_json(found[0]).report)
    except ObjectMissing as error:
        raise HTTPException(404, str(error)) from error
    except ValidationError as error:
        raise HTTPException(502, f"reports/{title_id}/latest.json is damaged") from error
    except PertitleError as error:
        raise HTTPException(503 if error.retryable else 502, str(error)) from error


def report_pointer(store: ObjectStore, title_id: str) -> ObjectAddress:
    """Returns where the pointer to the newest report lies."""
    return ObjectAddress(store.buckets.work, f"reports/{title_id}/latest.json")
