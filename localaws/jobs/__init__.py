"""Training and batch transform jobs: their folders, processes and outputs."""
