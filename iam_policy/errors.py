"""The one exception that parsing a policy raises."""


class PolicyError(ValueError):
    """A policy that AWS would refuse; the text names the policy, the statement and the fault."""
