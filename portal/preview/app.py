"""The preview over HTTP. Only the page itself is open; what it shows, and above all licenses, want the token.

Threats: other users of this machine (loopback is theirs too: hence the token), pages elsewhere that guess our address
(hence Host, Origin and ``Sec-Fetch-Site``), and prying later (hence nothing secret in addresses, logs or the page).
"""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response

from domain.errors import PertitleError
from portal.preview.facts import ShownFacts
from portal.preview.files import PresentationFiles
from portal.preview.license_keys import LicenseKeys, LicenseRequest
from portal.preview.page import PAGE, SCRIPT, style_sheet

TOKEN_HEADER = "X-Pertitle-Token"  # noqa: S105 - a header's name
_SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    # blob: is where Media Source Extensions put what they play.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; media-src blob:; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Preview:
    """One presentation to be shown."""

    facts: ShownFacts
    files: PresentationFiles
    keys: LicenseKeys
    player: Path
    """The script of shaka-player."""
    port: int
    """Loopback port that it is served on."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def origin(self) -> str:
        """Scheme, host and port of the page."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        """What to open; browsers keep what follows the ``#`` to themselves."""
        return f"{self.origin}/#{self.token}"


def create_preview(preview: Preview) -> FastAPI:
    """Returns the preview of one presentation."""
    app = FastAPI(title="pertitle preview", openapi_url=None, docs_url=None, redoc_url=None)
    guarded = Depends(_token_guard(preview))
    _add_host_check(app, preview)
    _add_page(app, preview)

    @app.get("/facts", dependencies=[guarded])
    def show_facts() -> ShownFacts:
        return preview.facts

    @app.get("/presentation/{path:path}", dependencies=[guarded])
    def send_file(path: str) -> Response:
        try:
            found = preview.files.find(path)
        except PertitleError as error:
            raise HTTPException(503 if error.retryable else 502, str(error)) from error
        if found is None:
            raise HTTPException(404, "the presentation has no such file")
        return FileResponse(found.path, media_type=found.content_type)

    @app.post("/license", dependencies=[guarded, Depends(_origin_guard(preview))])
    def give_license(request: LicenseRequest) -> Response:
        return JSONResponse(preview.keys.answer(request))

    return app


def _add_page(app: FastAPI, preview: Preview) -> None:
    @app.get("/")
    def show_page() -> Response:
        return Response(PAGE.read_bytes(), media_type="text/html; charset=utf-8")

    @app.get("/page.css")
    def show_style() -> Response:
        return Response(style_sheet(), media_type="text/css; charset=utf-8")

    @app.get("/page.js")
    def show_script() -> Response:
        return Response(SCRIPT.read_bytes(), media_type="text/javascript; charset=utf-8")

    @app.get("/player.js")
    def show_player() -> Response:
        return FileResponse(preview.player, media_type="text/javascript; charset=utf-8")


def _add_host_check(app: FastAPI, preview: Preview) -> None:
    """A page elsewhere could point a name of its own at loopback (DNS rebinding): only our own address is served."""

    @app.middleware("http")
    async def check_host(request: Request, forward) -> Response:  # type: ignore[no-untyped-def]  # noqa: ANN001 - starlette's
        if request.headers.get("host") != f"127.0.0.1:{preview.port}":
            return PlainTextResponse("not an address of this preview\n", 400)
        response: Response = await forward(request)
        response.headers.update(_SECURITY_HEADERS)
        return response


def _token_guard(preview: Preview):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a dependency of FastAPI
    def check_token(request: Request) -> None:
        given = request.headers.get(TOKEN_HEADER, "")
        if not secrets.compare_digest(given.encode(), preview.token.encode()):
            raise HTTPException(403, "this needs the address that `pertitle play` printed")
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise HTTPException(403, "asked for by another site")

    return check_token


def _origin_guard(preview: Preview):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a dependency of FastAPI
    def check_origin(request: Request) -> None:
        if request.headers.get("origin") != preview.origin:
            raise HTTPException(403, "licenses are for the preview's own page")

    return check_origin
