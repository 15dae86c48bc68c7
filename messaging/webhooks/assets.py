"""Pictures of mails: whoever knows a picture's name, which is a hash of it, may see it."""

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from messaging.assets import SERVED
from messaging.webhooks.door import Door

# A name stands for one content for ever, and a picture is all that a reader's program shall take it for.
HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
}


def asset_routes(door: Door) -> list[Route]:
    """Give the route of pictures in mails."""

    async def show(request: Request) -> Response:
        name = request.path_params["name"]
        path = door.settings.assets_dir / name
        if not SERVED.fullmatch(name) or not path.is_file():
            return PlainTextResponse("There is no such picture.\n", 404)
        return FileResponse(path, headers=HEADERS)

    return [Route("/a/{name}", show, methods=["GET"])]
