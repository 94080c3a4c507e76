"""The face: against truth, over time, at speed."""
