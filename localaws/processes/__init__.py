"""Processes of user code, forked from a warm interpreter and apart from each other."""
