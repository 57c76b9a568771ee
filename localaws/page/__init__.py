"""A page to look at: endpoints with their caches, dashboards, jobs, models, who may invoke what."""
