"""A classifier of short texts, and how its training is tracked."""
