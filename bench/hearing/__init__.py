"""The ear and the turn, measured in process: no browser, no network, time that does not wait."""
