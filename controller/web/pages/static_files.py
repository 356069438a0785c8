"""The three static files of the pages, read once; they come from nowhere else."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from controller.web.pages.rendering import WEB, digest_of

_TYPES = {
    "style.css": "text/css; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "Cross-Origin-Resource-Policy": "same-origin"}


class StaticFiles:
    """Answers with them; their names carry a digest, so that a browser may keep them."""

    def __init__(self) -> None:
        self._files = {name: (WEB / "static" / name).read_bytes() for name in _TYPES}
        self.digests = {name: digest_of(content) for name, content in self._files.items()}

    def routes(self) -> list[Route]:
        """The one route."""
        return [Route("/static/{name}", self.show, methods=["GET"])]

    async def show(self, request: Request) -> Response:
        """Answer with a file.

        Raises:
            HTTPException: There is none of this name.
        """
        name = request.path_params["name"]
        if name not in self._files:
            raise HTTPException(404)
        return Response(self._files[name], headers={**_HEADERS, "Content-Type": _TYPES[name]})
