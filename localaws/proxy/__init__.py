"""AWS's fixed addresses, answered on loopback: for clients that do not ask the profile."""
