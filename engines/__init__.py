"""Adapters from speech, dialogue, motion and picture models to one Protocol each. No asyncio."""

import visavis.models  # noqa: F401 (switches off what onnxruntime would report, before its import)
