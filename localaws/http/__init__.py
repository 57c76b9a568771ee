"""The protocol: bytes of HTTP in, the answers of operations and invocations out."""
