"""What single services refuse beyond their models, a module a service."""
