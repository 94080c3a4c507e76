"""Whether a film or a sound was made by visavis: its marks looked for, in a process shut in."""
