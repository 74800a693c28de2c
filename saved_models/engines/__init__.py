"""What can compute a network's logits: one file for each engine."""
