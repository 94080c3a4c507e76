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
    Failed,
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
from visavis.remote.studio import Studio, studio
from visavis.remote.studio_answers import Batch, Project, Translation, Video

__all__ = [
    "Batch",
    "Blocked",
    "Ended",
    "Face",
    "Failed",
    "Full",
    "Lost",
    "NoReply",
    "Picture",
    "Project",
    "Refused",
    "RemoteError",
    "Reply",
    "Sound",
    "Studio",
    "Translation",
    "Unauthorised",
    "Unreachable",
    "Video",
    "connect",
    "studio",
]
