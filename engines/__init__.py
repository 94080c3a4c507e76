"""Adapters from speech, dialogue, motion and picture models to one Protocol each. No asyncio."""
