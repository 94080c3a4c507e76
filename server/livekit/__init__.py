"""A session in a room of LiveKit, through the classes that livekit-agents has for avatars.

Needs the extra `livekit`: nothing outside this room and what leads to it imports it.
"""
