"""Rewrites that save memory, one rule a file. There are none yet."""
