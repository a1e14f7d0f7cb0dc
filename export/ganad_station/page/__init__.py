"""The operator's page, and the metrics of a station."""
