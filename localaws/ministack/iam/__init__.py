"""IAM, STS and KMS: users, roles, sessions, keys, and who may do what by their policies."""
