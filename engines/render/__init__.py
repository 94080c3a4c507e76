"""From face states to pictures."""
