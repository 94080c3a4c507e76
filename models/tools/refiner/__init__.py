"""How the refiner is made: people of its own, path-traced; the network trained. Run from a clone."""
