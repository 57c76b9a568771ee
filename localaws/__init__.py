"""An embedded AWS that runs SageMaker endpoints on a laptop; nothing else here imports it."""
