"""What localaws promises, under load and kills: ``make soak``.

Each part has a small form in ``tests/local/test_soak.py``.
"""
