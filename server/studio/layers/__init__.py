"""What is seen around the face, and the files that are made of it."""
