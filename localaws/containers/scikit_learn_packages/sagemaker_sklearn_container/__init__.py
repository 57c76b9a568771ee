"""What the scikit-learn container runs: a worker for serving, and what old scripts expect.

Unlike the rest of localaws this must run on Python 3.7 and later: an image has a Python of its own.
"""
