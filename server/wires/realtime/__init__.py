"""Compatible with OpenAI's Realtime: its clients talk to our conversation."""
