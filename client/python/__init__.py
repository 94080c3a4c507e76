"""A client for programs: connect to a server, speak with its face, take sound and pictures.

    from visavis.remote import connect

    async with connect("http://127.0.0.1:8765") as face:
        reply = await face.ask("When is breakfast?")
        print((await reply.ended()).heard)

See docs/doors.md. Nothing here imports the server.
"""

from visavis.remote.errors import (
    Blocked,
    Ended,
    Full,
    Lost,
    NoReply,
    Refused,
    RemoteError,
    Unauthorised,
    Unreachable,
)
from visavis.remote.face import Face, connect
from visavis.remote.media import Picture, Sound
from visavis.remote.replies import Reply

__all__ = [
    "Blocked",
    "Ended",
    "Face",
    "Full",
    "Lost",
    "NoReply",
    "Picture",
    "Refused",
    "RemoteError",
    "Reply",
    "Sound",
    "Unauthorised",
    "Unreachable",
    "connect",
]
