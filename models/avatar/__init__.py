"""The avatar file: its rig, its arrays, how it is read and written."""
