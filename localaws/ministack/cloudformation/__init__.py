"""CloudFormation: what a stack may hold, and what becomes of an interrupted one."""
