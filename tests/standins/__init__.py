"""Stand-ins for what is not on every machine: NVIDIA's driver (C), CuPy and torch (their allocators' books only)."""
