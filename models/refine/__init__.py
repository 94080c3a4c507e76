"""The refiner: a small network over the mouth and the eyes of a drawn picture."""
