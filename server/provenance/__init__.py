"""Files that prove where they came from: keys, signed manifests (C2PA), and their check."""
