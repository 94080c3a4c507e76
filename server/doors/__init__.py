"""Ways in and out of a session beside a peer connection: files so far."""
