"""How `models/data/speaker.npz` was made."""
