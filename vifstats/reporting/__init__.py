"""What is said about a fit: findings computed once, then written as text, files and a page."""

from vifstats.reporting.assemble import SHARE_OF_SAMPLE, describe, report, write_report
from vifstats.reporting.files import write_findings
from vifstats.reporting.findings import METHODS, Findings, find
from vifstats.reporting.sections.method import fingerprint
from vifstats.reporting.text import as_text

__all__ = [
    "METHODS",
    "SHARE_OF_SAMPLE",
    "Findings",
    "as_text",
    "describe",
    "find",
    "fingerprint",
    "report",
    "write_findings",
    "write_report",
]
