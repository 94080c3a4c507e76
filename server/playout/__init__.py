"""Media time: ticks, the clock, and the timeline from which sound and pictures are played."""
