"""The cache store at work: what scripts/bench-store is made of."""
