"""Grafana boards as code: `python -m grafana.generate` writes the files in `dashboards/`."""
