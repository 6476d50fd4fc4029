"""Every address against the table of roles: what has no line there is answered by nobody."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.requests import HTTPConnection
from starlette.routing import Mount, compile_path

from postern.errors import Refused
from postern.operators.roles import TABLE, Endpoint, Need


def endpoints_of(app: FastAPI) -> Iterator[tuple[object, Endpoint]]:
    """Each function of the application that answers requests, with an endpoint that it answers."""
    for route in iter_route_contexts(app.routes):
        path = route.path or ""
        if isinstance(route.original_route, Mount):
            yield route.original_route.app, Endpoint(method="GET", path=f"{path}/{{path}}")
            continue
        for method in route.methods or {"WEBSOCKET"}:
            yield route.endpoint, Endpoint(method=method, path=path)


def install(app: FastAPI) -> None:
    """Look every function up in the table, once all are there."""
    app.state.endpoints = {
        (function, endpoint.method): (endpoint, TABLE.needs.get(endpoint))
        for function, endpoint in endpoints_of(app)
    }


def methods_at(request: HTTPConnection) -> list[str]:
    """Everything that is answered at that address: the framework names what its first route there takes."""
    path = request.scope["path"]
    found = {one.method for _, one in endpoints_of(request.app) if compile_path(one.path)[0].match(path)}
    return sorted(found - {"WEBSOCKET"})


def needed(connection: HTTPConnection) -> tuple[Endpoint, Need]:
    """The endpoint that the request has reached, and what it needs. Raises Refused when it has no line."""
    method = connection.scope.get("method", "WEBSOCKET")
    known: dict[tuple[object, str], tuple[Endpoint, Need | None]] = connection.app.state.endpoints
    endpoint, need = known.get((connection.scope.get("endpoint"), method), (None, None))
    if endpoint is None or need is None:
        raise Refused("this address has no line in the table of roles, so it is closed to everybody")
    return endpoint, need


async def listed(connection: HTTPConnection) -> None:
    """The dependency of every route: its address has a line in the table."""
    needed(connection)
