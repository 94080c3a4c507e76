"""What a peer sends over its data channels: aiortc ends the connection over what it cannot read."""

from __future__ import annotations

import logging
from typing import Any, Final

from aiortc.rtcsctptransport import WEBRTC_BINARY, WEBRTC_DCEP, WEBRTC_STRING, RTCSctpTransport

log = logging.getLogger(__name__)

MOST: Final = 16  # channels of one connection; a client of ours opens one

_receive = RTCSctpTransport._data_channel_receive


async def receive(transport: Any, stream_id: int, pp_id: int, data: bytes) -> None:
    """`RTCSctpTransport._data_channel_receive` that lives through every message.

    A text that is not UTF-8 (RFC 8831 section 6.6) arrives as the bytes that it is. What opens or
    acknowledges a channel in a way that RFC 8832 does not know is left out, and so is one channel
    too many.
    """
    if pp_id == WEBRTC_STRING and not _is_text(data):
        pp_id = WEBRTC_BINARY
    if pp_id == WEBRTC_DCEP and len(transport._data_channels) >= MOST:
        return
    try:
        await _receive(transport, stream_id, pp_id, data)
    except Exception as error:  # noqa: BLE001 (the border: its text may quote the peer)
        log.debug("a message of a channel was left out", extra={"fault": type(error).__name__})


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
