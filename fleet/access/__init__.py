"""Who may invoke which model: read policies, decide, compare with the config and with reality."""
