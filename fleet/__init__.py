"""What is known and done about a deployed fleet of models.

``names``, ``config``, ``schema`` and ``errors`` are the ground floor: they import in milliseconds,
without aws_cdk and boto3, and each fact that several parts of the project need has its home there.
"""
