"""All of it real: two servers, Slipgauge, Prometheus and Alertmanager as they are shipped."""
