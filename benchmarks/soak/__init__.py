"""Long runs of hostile and random input (``make soak``): minutes long, with an end of their own."""
