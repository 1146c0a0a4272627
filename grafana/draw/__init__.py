"""A plain rendering of the boards by ourselves, for the documentation. It is not Grafana, and says so."""
