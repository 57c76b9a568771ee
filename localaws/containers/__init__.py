"""The container images that run here, each an object behind the interface in base.py."""
