"""The page at `/`: what `npm run build` writes to `web/dist`, with tokens for development."""

from pathlib import Path

from fastapi import FastAPI

from app.dev_token import add_dev_token
from app.web import WebSettings, add_web

FOLDER = Path(__file__).parent.parent / "web" / "dist"
MISSING = "the page has not been built; in the folder web, run: npm install && npm run build"


class StartPageSettings(WebSettings):
    """The page has no settings of its own."""


def add_start_page(app: FastAPI, settings: StartPageSettings) -> None:
    """Serve the page in development, and in production with SERVE_PAGE=yes."""
    add_dev_token(app, settings)
    add_web(app, settings, FOLDER, missing=MISSING, hashed="assets")
