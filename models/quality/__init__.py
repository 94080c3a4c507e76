"""An avatar measured, and its expressions shown."""
