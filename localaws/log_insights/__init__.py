"""CloudWatch Logs Insights: the commands that questions about an endpoint need.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""
