"""How models/data/foreign_speech.npz was made."""
