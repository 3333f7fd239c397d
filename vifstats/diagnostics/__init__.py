"""What hangs on a few rows: conclusions, groups left out, influential sets, cross-validation."""
