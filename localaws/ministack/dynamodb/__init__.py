"""DynamoDB: transactions, and the condition key of the items that a request is about."""
