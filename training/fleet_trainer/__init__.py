"""Trains the models of all cities in one SageMaker job.

``rows``, ``cities`` and ``program`` run inside the job, in the scikit-learn container: they need
numpy alone, and what the fitted preprocessor needs. ``request`` describes the job, ``run`` is what
people and the schedule call.
"""
