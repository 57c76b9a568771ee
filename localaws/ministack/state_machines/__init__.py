"""Step Functions: integrations as the state machine's role, executions that go on."""
