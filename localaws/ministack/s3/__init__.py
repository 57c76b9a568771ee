"""S3: objects and their files, buckets, versions."""
