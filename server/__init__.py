"""The live server: time, turns, transport. Media models live in `visavis.engines`."""
