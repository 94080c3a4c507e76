"""A clip of a person becomes an avatar: read, followed, cut to a loop, and put under a rig."""
