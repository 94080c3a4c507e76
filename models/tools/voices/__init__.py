"""How `models/data/speaker.onnx` was made."""
