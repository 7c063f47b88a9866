"""The page at `/`: the chat in the folder `web`, with tokens for development."""

from pathlib import Path

from fastapi import FastAPI

from app.dev_token import add_dev_token
from app.web import WebSettings, add_web

FOLDER = Path(__file__).parent.parent / "web"


class StartPageSettings(WebSettings):
    """The page has no settings of its own."""


def add_start_page(app: FastAPI, settings: StartPageSettings) -> None:
    """Serve the page in development, and in production with SERVE_PAGE=yes."""
    add_dev_token(app, settings)
    add_web(app, settings, FOLDER, missing=f"{FOLDER} has no index.html")
