"""The graph on a GPU: whether its pictures are right, and how many a second."""
