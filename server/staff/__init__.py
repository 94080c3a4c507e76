"""The staff's side: what they see of sessions, and what they do in them."""
