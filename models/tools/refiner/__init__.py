"""How the refiner is made: people path-traced, a network trained. Run from a clone."""
