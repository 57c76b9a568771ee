"""Batch transform: whole objects of S3 through a model, record by record."""
