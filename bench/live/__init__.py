"""The running server in a real browser."""
