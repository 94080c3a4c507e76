"""Compatible with OpenAI's Realtime: its clients talk to our conversation, by socket or by WebRTC."""
