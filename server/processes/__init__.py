"""One server in several processes: a parent that has the port, and workers that do the work."""
