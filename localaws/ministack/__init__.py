"""MiniStack, embedded: the one package that touches its internals.

MiniStack (https://github.com/ministackorg/ministack, MIT, pinned) answers for CloudFormation, S3,
IAM, STS, KMS, SSM, CloudWatch, Logs and more. What it lacks is here, a folder for each service that
needs several modules; what several services share lies beside them. Configure it with
``embedding.configure`` before anything here imports it: it reads its settings from the environment
at import.
"""
