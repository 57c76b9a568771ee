"""IAM policy evaluation as a pure function; standard library only."""
