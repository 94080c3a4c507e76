"""Where the outside world comes in."""
