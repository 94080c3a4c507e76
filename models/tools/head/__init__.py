"""The free 3D head, models/data/head.npz: `python -m models.tools.head.build`."""
