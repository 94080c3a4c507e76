"""Measurements on this machine. Each module has `run(arguments) -> dict`, printed as JSON."""
