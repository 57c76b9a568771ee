"""Long runs of hostile input, load and kills (``make soak``): minutes, with an end of their own.

Each has a small form among the tests.
"""
