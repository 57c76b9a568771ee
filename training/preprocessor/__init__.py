"""The script that runs inside the scikit-learn container."""
