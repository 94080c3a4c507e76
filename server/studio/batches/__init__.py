"""One script for many people."""
