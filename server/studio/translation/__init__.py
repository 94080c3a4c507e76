"""One script in many languages."""
