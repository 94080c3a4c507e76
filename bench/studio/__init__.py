"""What the studio costs: films, batches."""
