"""What is said about a fit: findings computed once, then written as text and as files."""

from vifstats.reporting.files import writable_folder, write_findings
from vifstats.reporting.findings import METHODS, Findings, find
from vifstats.reporting.text import as_text

__all__ = ["METHODS", "Findings", "as_text", "find", "writable_folder", "write_findings"]
