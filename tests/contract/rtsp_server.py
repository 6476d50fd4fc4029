"""A real RTSP server for tests: GStreamer's, run by the system's Python, which has its bindings.

    python3 rtsp_server.py PORT VIDEO [basic|digest NAME PASSWORD]

It serves the H.264 of VIDEO, in a loop for each client, at rtsp://127.0.0.1:PORT/door.
"""

from __future__ import annotations

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402


def guard(server, factory, method: str, name: str, password: str) -> None:
    auth = GstRtspServer.RTSPAuth.new()
    token = GstRtspServer.RTSPToken.new()
    token.set_string("media.factory.role", "viewer")
    if method == "basic":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.BASIC)
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(name, password), token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(name, password, token)
    server.set_auth(auth)
    role = "viewer, media.factory.access=true, media.factory.construct=true"
    factory.add_role_from_structure(Gst.Structure.new_from_string(role))


def main() -> None:
    Gst.init(None)
    port, video, *login = sys.argv[1:]
    server = GstRtspServer.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory.new()
    parts = f'filesrc location="{video}" ! qtdemux ! rtph264pay name=pay0 pt=96 config-interval=-1'
    factory.set_launch(f"( {parts} )")
    if login:
        guard(server, factory, *login)
    server.get_mount_points().add_factory("/door", factory)
    server.attach(None)
    print("serving", flush=True)  # noqa: T201 - the test waits for it
    GLib.MainLoop().run()


main()
