"""The sections of a report, a file for each: from findings to plain numbers, for report.json."""
