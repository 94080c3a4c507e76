"""What an avatar is made of: head, portrait, file, warp, and the manifest of model files."""
