"""The four stacks of one stage: storage, hosting, access, monitoring."""
