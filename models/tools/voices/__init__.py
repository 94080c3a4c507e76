"""How `models/data/speaker.onnx` and `models/data/voice_styles.npz` were made."""
