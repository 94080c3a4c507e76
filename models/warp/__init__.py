"""The layered warp: a scene prepared for drawing, and its numeric kernels."""
