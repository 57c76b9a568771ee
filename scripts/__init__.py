"""One short command a file; each runs as python -m scripts.<name>."""
