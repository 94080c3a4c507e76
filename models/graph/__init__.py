"""The layered warp as one batched tensor graph."""
