"""What an avatar is made of: head, portrait, file, warp, and the manifest of model files."""

import os

# onnxruntime reports its use to its maker, from its import on, unless this is set before.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
