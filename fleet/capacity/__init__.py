"""How many models stay loaded, how often a request is cold, and what that costs, before paying."""
