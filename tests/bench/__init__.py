"""``make bench``: how fast the product is, as ratios to other tools that do their work in the same run."""
