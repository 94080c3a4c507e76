"""One peer connection: tracks out, microphone in, data channel; and aiortc mended from outside."""
