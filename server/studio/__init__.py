"""Scripts that become films, for one viewer or for many, in one language or in many."""
