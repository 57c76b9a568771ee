"""Application Auto Scaling at work: alarms ask, policies answer, instance counts follow."""
