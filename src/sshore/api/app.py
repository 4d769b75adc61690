"""The application: routers, problem handlers, OpenAPI."""

from fastapi import FastAPI

from sshore import __version__
from sshore.api import (
    accounts,
    allowances,
    apps,
    audit,
    docs_page,
    folders,
    front_page,
    groups,
    health,
    images,
    live_use,
    oidc,
    own,
    sessions,
    users,
)
from sshore.api.body_limit import BodyLimit
from sshore.api.problems import install_problem_handlers
from sshore.api.services import Services


def create_app(services: Services) -> FastAPI:
    """The API on the given services."""
    app = FastAPI(title="Sshore", version=__version__, docs_url=None, redoc_url=None)
    app.state.services = services
    install_problem_handlers(app)
    app.add_middleware(BodyLimit)
    for module in (
        health,
        accounts,
        allowances,
        groups,
        sessions,
        live_use,
        apps,
        folders,
        own,
        users,
        oidc,
        audit,
        images,
        front_page,
        docs_page,
    ):
        app.include_router(module.router)
    return app
