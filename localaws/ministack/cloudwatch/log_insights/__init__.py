"""CloudWatch Logs Insights: queries over log events that are given as rows."""
