"""The report of a run: one HTML file to look at and to pass on, which needs no network."""

from ganad_tf.report.report import REPORT_FILE, write_report

__all__ = ["REPORT_FILE", "write_report"]
