"""CloudTrail: who did what, to be looked up and delivered to the buckets of trails."""
