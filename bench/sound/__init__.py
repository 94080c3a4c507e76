"""Speech, lips and sound."""
